"""Whoever asks for Arrow without pyarrow is told what to install."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import sys
sys.modules["pyarrow"] = None
from dynamodb_wrapper import DynamoDB, DynamoDBConfig, PipelineConfig

db = DynamoDB(DynamoDBConfig(region_name="us-east-1"))
try:
    {asked}
except ImportError as error:
    print(error)
"""


@pytest.mark.parametrize(
    "asked",
    [
        "db.query(PipelineConfig).where('pipeline_id', '=', 'a').arrow()",
        "db.query(PipelineConfig).allow_scan().arrow()",
        "db.scan(PipelineConfig).arrow()",
        "db.scan(PipelineConfig).table()",
    ],
)
def test_without_pyarrow_the_error_says_what_to_install(asked: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(asked=asked)], capture_output=True, text=True, check=False
    )
    assert done.stdout == "Arrow needs pyarrow: pip install 'dynamodb-wrapper[arrow]'\n", done.stderr
