from __future__ import annotations

import subprocess
import sys

import pytest

from dynamodb_wrapper.spark.needed import pyspark_needed


@pytest.mark.parametrize(
    "use",
    [
        "from dynamodb_wrapper.spark import SparkDynamoDBIntegration; SparkDynamoDBIntegration().session",
        "from dynamodb_wrapper.spark.sessions import create_session; create_session({})",
        "from dynamodb_wrapper.spark.connector import register",
        "from dynamodb_wrapper.spark.connector import read_small",
        "from dynamodb_wrapper.spark.connector import infer_schema",
    ],
)
def test_where_pyspark_is_missing_the_error_says_what_to_install(use: str) -> None:
    code = f"import sys; sys.modules['pyspark'] = None; {use}"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    last = ended.stderr.strip().splitlines()[-1]
    assert last == "ModuleNotFoundError: Spark needs pyspark: pip install 'dynamodb-wrapper[spark]'"


def test_another_module_that_is_missing_is_told_as_it_is() -> None:
    with pytest.raises(ModuleNotFoundError, match="No module named 'nothing_of_that_name'"), pyspark_needed():
        import nothing_of_that_name  # type: ignore[import-not-found]  # noqa: F401
