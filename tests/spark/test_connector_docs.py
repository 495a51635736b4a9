"""docs/spark-connector.md tells of every option and every column of changes."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec import structs

from dynamodb_wrapper.spark.connector.changes import COLUMNS
from dynamodb_wrapper.spark.connector.options import OPERATIONS, REJECTS, Options

ENGINES = ("dynoxide",)

GUIDE = (Path(__file__).parents[2] / "docs" / "spark-connector.md").read_text()


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(map(str.capitalize, rest))


@pytest.mark.parametrize(
    "word", [*(camel(field.name) for field in structs.fields(Options)), *COLUMNS, *OPERATIONS, *REJECTS]
)
def test_the_guide_tells_of_it(word: str) -> None:
    assert f"`{word}`" in GUIDE
