"""PartiQL through the general client on real engines: one scenario, both faces."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from tests.support.faults import FaultServer, answered, reply, reset_after_apply, reset_before_apply

from dynamodb_wrapper.client import DynamoDB
from dynamodb_wrapper.exceptions import (
    ConditionalCheckFailedError,
    ConflictError,
    UnreadableItemError,
    ValidationError,
    WriteOutcomeUnknownError,
)
from dynamodb_wrapper.models import DynamoDBModel


class Coin(DynamoDBModel):
    country: str
    face: Decimal = Decimal(1)

    class Meta:
        table_name = "coins"
        partition_key = "country"


@pytest.fixture
async def db(face: Any, tables: Any) -> Any:
    tables(Coin)
    client = face(DynamoDB)
    for country, value in (("no", 20), ("se", 10), ("dk", 5)):
        await client.put(Coin(country=country, face=Decimal(value)))
    return client


@pytest.fixture
def table(config: Any) -> str:
    return f'"{config.get_table_name("coins")}"'


async def test_a_select_takes_parameters_and_gives_dicts_or_models(db: Any, table: str) -> None:
    text = f"SELECT * FROM {table} WHERE country = ?"
    assert await db.execute_statement(text, ["no"]) == [{"country": "no", "face": 20}]
    assert await db.execute_statement(text, ["no"], model=Coin, consistent=True) == [
        Coin(country="no", face=Decimal(20))
    ]
    assert await db.execute_statement(text, ["xx"]) == []


async def test_a_value_is_never_part_of_the_text(db: Any, table: str) -> None:
    assert await db.execute_statement(f"SELECT * FROM {table} WHERE country = ?", ["' OR 1=1 --"]) == []


async def test_writes_are_applied_and_a_duplicate_is_a_conflict(db: Any, table: str) -> None:
    insert = f"INSERT INTO {table} VALUE {{'country': ?, 'face': ?}}"
    assert await db.execute_statement(insert, ["fi", Decimal("2.50")]) == []
    assert (await db.get(Coin, "fi")).face == Decimal("2.50")
    with pytest.raises(ConflictError):
        await db.execute_statement(insert, ["fi", 3])
    await db.execute_statement(f"DELETE FROM {table} WHERE country = ?", ["fi"])
    assert await db.get(Coin, "fi") is None


async def test_what_does_not_fit_its_model_hides_no_refusal_and_no_write(
    db: Any, table: str, boto3_table: Any, config: Any
) -> None:
    stored = boto3_table(config.get_table_name("coins"))
    stored.put_item(Item={"country": "xx", "face": "heads"})
    update = f"UPDATE {table} SET note = 1 WHERE country = ?"
    with pytest.raises(ConditionalCheckFailedError) as caught:
        await db.execute_statement(f"{update} AND note = 2", ["xx"], model=Coin)
    assert caught.value.current_item in (None, {"country": "xx", "face": "heads"})  # dynoxide gives none
    with pytest.raises(UnreadableItemError, match="the write was applied"):
        await db.execute_statement(f"{update} RETURNING ALL NEW *", ["xx"], model=Coin)
    assert stored.get_item(Key={"country": "xx"})["Item"]["note"] == 1


async def test_pages_are_read_to_the_end(face: Any, config: Any) -> None:
    pages = [
        answered({"Items": [{"country": {"S": "a"}}], "NextToken": "more"}),
        answered({"Items": [], "NextToken": "and more"}),
        answered({"Items": [{"country": {"S": "b"}}]}),
    ]
    with FaultServer([reply(page) for page in pages]) as server:
        db = face(DynamoDB, config.model_copy(update={"endpoint_url": server.url}))
        rows = await db.execute_statement('SELECT * FROM "t"')
        assert rows == [{"country": "a"}, {"country": "b"}]
        assert [request.json.get("NextToken") for request in server.requests] == [None, "more", "and more"]


async def test_a_read_is_sent_again_and_a_write_is_not(
    face: Any, config: Any, engine: Any, db: Any, table: str
) -> None:
    with FaultServer([reset_before_apply(), reset_after_apply()], upstream=engine.endpoint_url) as server:
        through = face(DynamoDB, config.model_copy(update={"endpoint_url": server.url}))
        select = f"SELECT country FROM {table} WHERE country = ?"
        # the second fault meets the repetition of the read, the third request is answered
        assert await through.execute_statement(select, ["no"]) == [{"country": "no"}]
        assert len(server.requests) == 3
    with FaultServer([reset_after_apply()], upstream=engine.endpoint_url) as server:
        through = face(DynamoDB, config.model_copy(update={"endpoint_url": server.url}))
        with pytest.raises(WriteOutcomeUnknownError):
            await through.execute_statement(f"UPDATE {table} SET face = ? WHERE country = ?", [1, "no"])
        assert len(server.requests) == 1


async def test_a_value_that_cannot_be_stored_is_named_by_its_place(db: Any, table: str) -> None:
    with pytest.raises(ValidationError, match="parameter 2"):
        await db.execute_statement(
            f"SELECT * FROM {table} WHERE country = ? AND face = ?", ["no", float("nan")]
        )
