"""The example of the connector prints what it promises; here in the session of the tests."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pyspark
import pytest

from dynamodb_wrapper import DynamoDBConfig

ENGINES = ("dynoxide",)

EXAMPLE = Path(__file__).parents[2] / "examples" / "spark_connector.py"


@pytest.mark.skipif(pyspark.__version__ < "4.1", reason="Spark 4.0 does not replace a source of a name")
def test_the_example_prints_what_it_promises(
    spark: Any, config: DynamoDBConfig, capsys: pytest.CaptureFixture[str]
) -> None:
    runpy.run_path(str(EXAMPLE))["main"](spark.newSession(), config)
    assert capsys.readouterr().out.splitlines() == [
        "days of UA with more than 250 flights: 5",
        "updated 1, rejected {'item_not_found': 1}",
        "[('AA', 10, None), ('DL', 10, None), ('UA', 10, 55)]",
    ]
    assert len(EXAMPLE.read_text().splitlines()) <= 150
