"""docs/bulk.md tells of every argument of a scan, and its table of columns is what the code makes."""

from __future__ import annotations

import enum
import inspect
import re
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import pytest
from pydantic import BaseModel, Field, create_model

from dynamodb_wrapper import AsyncDynamoDB, DynamoDB
from dynamodb_wrapper.wire.arrow_schema import arrow_schema

GUIDE = (Path(__file__).parents[2] / "docs" / "bulk.md").read_text()


class Text(enum.StrEnum):
    A = "a"


class Number(enum.IntEnum):
    A = 1


class Part(BaseModel):
    it: int


EXAMPLES: dict[str, list[tuple[Any, str]]] = {
    "`str`, `UUID`, enum of texts": [(str, "string"), (UUID, "string"), (Text, "string")],
    "`int`, enum of ints": [(int, "int64"), (Number, "int64")],
    "`float`": [(float, "double")],
    "`Decimal` with `decimal_places`": [
        (Annotated[Decimal, Field(decimal_places=2)], "decimal128(38, 2)"),
        (Annotated[Decimal, Field(max_digits=9, decimal_places=2)], "decimal128(9, 2)"),
    ],
    "`Decimal` without": [(Decimal, "string")],
    "`bool`, `bytes`, `date`": [(bool, "bool"), (bytes, "binary"), (date, "date32[day]")],
    "`datetime`": [(datetime, "timestamp[us, tz=UTC]")],
    "list or set of one of these": [(list[int], "list<element: int64>"), (set[str], "list<element: string>")],
    "dict with text keys": [(dict[str, int], "map<string, int64>")],
    "nested model": [(Part, "struct<it: int64>")],
    "anything else": [(Any, "string"), (int | str, "string")],
}


def test_the_table_of_columns_has_these_rows() -> None:
    table = GUIDE[GUIDE.index("| Field | Column |") :]
    rows = [line.split(" | ")[0].removeprefix("| ") for line in table.split("\n\n")[0].splitlines()[2:]]
    assert rows == list(EXAMPLES)


@pytest.mark.parametrize("row", EXAMPLES)
def test_a_row_of_the_table_is_what_the_code_makes(row: str) -> None:
    for annotation, column in EXAMPLES[row]:
        model: type[BaseModel] = create_model("Made", it=(annotation, ...))
        assert str(arrow_schema(model).field("it").type) == column


def test_every_argument_of_a_scan_is_told() -> None:
    told = set(re.findall(r"^\| `(\w+)` \|", GUIDE, re.MULTILINE)) - {"float", "datetime"}
    blocking, awaiting = (
        set(inspect.signature(client.scan).parameters) - {"self", "model"}
        for client in (DynamoDB, AsyncDynamoDB)
    )
    assert told == blocking == awaiting | {"processes"}
