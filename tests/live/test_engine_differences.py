"""What README says of how the local engines differ from the service, shown with boto3."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest
from botocore.exceptions import ClientError

from dynamodb_wrapper.local import RunningEngine
from dynamodb_wrapper.models import DynamoDBModel
from dynamodb_wrapper.schema import GSI

README = (Path(__file__).parents[2] / "README.md").read_text()


class Sheet(DynamoDBModel):
    id: str
    shelf: str | None = None

    class Meta:
        table_name = "sheets"
        partition_key = "id"
        gsis: ClassVar = [GSI("ByShelf", "shelf")]


@pytest.fixture
def sheets(tables: Callable[..., list[str]], boto3_table: Callable[[str], Any]) -> Any:
    """boto3's table of sheets."""
    return boto3_table(tables(Sheet)[0])


def _told(engine: RunningEngine, what: str) -> str:
    """What README's table says of an engine."""
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in README.splitlines()]
    names = next(row for row in rows if row[:2] == ["what", "DynamoDB"])
    row = next(row for row in rows if row and row[0].startswith(what))
    return row[names.index({"dynoxide": "dynoxide", "dynamodb-local": "DynamoDB Local"}[engine.name])]


def test_a_place_beyond_the_end_of_a_list(sheets: Any, engine: RunningEngine) -> None:
    sheets.put_item(Item={"id": "a", "marks": [1]})
    sheets.update_item(
        Key={"id": "a"}, UpdateExpression="SET marks[5] = :mark", ExpressionAttributeValues={":mark": 3}
    )
    marks = sheets.get_item(Key={"id": "a"})["Item"]["marks"]
    told = _told(engine, "`put(R.marks[5])")
    assert {"appended": [1, 3], "stored at 5, NULLs before it": [1, None, None, None, None, 3]}[told] == marks


def test_a_key_of_an_index_that_is_too_long(sheets: Any, engine: RunningEngine) -> None:
    item = {"id": "a", "shelf": "s" * 2049}
    if _told(engine, "a key of an index of 2049 bytes") == "stored":
        sheets.put_item(Item=item)
        assert sheets.get_item(Key={"id": "a"})["Item"] == item
    else:
        with pytest.raises(ClientError, match="ValidationException"):
            sheets.put_item(Item=item)
