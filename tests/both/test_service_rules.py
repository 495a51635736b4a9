"""Rules and limits of DynamoDB that a user meets through the general client: on real engines, both faces."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, ClassVar

import pytest
from boto3.dynamodb.conditions import Attr
from tests.support.faults import Exchange, FaultServer

from dynamodb_wrapper.client import DynamoDB
from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.models import DynamoDBModel
from dynamodb_wrapper.schema import GSI


class Paper(DynamoDBModel):
    id: str
    shelf: str = "a"
    number: int = 0
    note: str | None = None
    text: str = ""

    class Meta:
        table_name = "papers"
        partition_key = "id"
        gsis: ClassVar = [GSI("ByShelf", "shelf", "number")]


LARGE = "x" * 390_000


def large(count: int) -> list[Paper]:
    """Papers of 390 KB each."""
    return [Paper(id=f"p{number:02}", number=number, text=LARGE) for number in range(count)]


@pytest.fixture
def db(face: Any, tables: Any) -> Any:
    tables(Paper)
    return face(DynamoDB)


@pytest.fixture
def papers(face: Any, db: Any) -> Any:
    """Eight papers on one shelf, of which the last two have a note."""
    first = [Paper(id=f"p{number:02}", number=number) for number in range(6)]
    last = [Paper(id=f"q{number}", number=100 + number, note="n") for number in range(2)]
    with DynamoDB(face.config) as writer:
        writer.batch_write(Paper, puts=[*first, *last])
    return db


async def test_a_transaction_of_more_than_4_mb_is_refused_and_writes_nothing(db: Any) -> None:
    transaction = db.transaction()
    for paper in large(11):
        transaction.put(paper)
    with pytest.raises(ValidationError, match=r"4 ?MB"):
        await transaction.execute()
    assert await db.batch_get(Paper, ["p00", "p10"]) == [None, None]


async def test_a_condition_that_the_service_refuses_writes_nothing(db: Any) -> None:
    with pytest.raises(ValidationError, match=r"xpression size"):
        await db.put(Paper(id="p"), condition=many())
    assert await db.get(Paper, "p") is None


def many() -> Any:
    """A condition of more than 4 KB."""
    condition: Any = Attr("text").eq("0")
    for number in range(140):
        condition |= Attr(f"a{number}").eq(number) & Attr(f"b{number}").begins_with("text")
    return condition


async def test_more_than_16_mb_are_written_and_read_in_one_call_of_ours(
    face: Any, config: Any, engine: Any, tables: Any
) -> None:
    tables(Paper)
    papers = large(50)
    with FaultServer([], upstream=engine.endpoint_url) as server:
        db = face(DynamoDB, config.model_copy(update={"endpoint_url": server.url}))
        await db.batch_write(Paper, puts=papers)
        written = len(server.requests)
        assert await db.batch_get(Paper, [paper.id for paper in papers]) == papers
        assert len(server.requests) - written > 1, "one reply holds 16 MB; the rest was asked for again"


def two_at_a_time(exchange: Exchange) -> None:
    """Let the service look at no more than two items for a page, as it does where they are large."""
    body = json.dumps({**exchange.request.json, "Limit": 2}).encode()
    headers = {**exchange.request.headers, "content-length": str(len(body))}
    exchange.request = replace(exchange.request, body=body, headers=headers)
    exchange.send(exchange.apply())


async def test_pages_that_a_filter_empties_are_no_end(
    face: Any, config: Any, engine: Any, papers: Any
) -> None:
    with FaultServer([two_at_a_time] * 100, upstream=engine.endpoint_url) as server:
        db = face(DynamoDB, config.model_copy(update={"endpoint_url": server.url}))
        query = db.query(Paper).where("shelf", "=", "a").where("note", "=", "n").select("id", "number")
        found = ["q0", "q1"]
        assert [item.id for item in await query.all()] == found
        assert len(server.requests) > 3
        assert [item.id async for item in query] == found
        assert (await query.first()).id == "q0"
        assert await query.count() == 2
        page = await query.paginate(1).execute()
        assert [item.id for item in page] == ["q0"]
        assert [item.id for item in await query.paginate(1, page.next_key).execute()] == ["q1"]
        assert await query.where("number", "<", 5).all() == []
        scan = db.query(Paper).where("note", "exists").select("id").allow_scan()
        assert sorted(item.id for item in await scan.all()) == found
        assert len(server.requests) < 100


async def test_a_missing_attribute_is_unequal_to_everything(papers: Any) -> None:
    shelf = papers.query(Paper).where("shelf", "=", "a").select("id")
    unequal = ["p00", "p01", "p02", "p03", "p04", "p05"]
    for asked in (("note", "!=", "n"), (Attr("note").ne("n"),), (Paper.note != "n",)):
        assert [item.id for item in await shelf.where(*asked).all()] == unequal
    by_key = papers.query(Paper).where("id", "in", ["p01", "q1"]).where("note", "!=", "n")
    assert [item.id for item in await by_key.all()] == ["p01"], "judged here, it means the same"
    assert await papers.delete(Paper, "p00", condition=Paper.note != "n") is True


async def test_conditions_on_keys_never_stand_in_a_filter(
    face: Any, config: Any, engine: Any, papers: Any
) -> None:
    sent: list[str] = []

    def look(exchange: Exchange) -> None:
        sent.append(exchange.request.json.get("FilterExpression", ""))
        exchange.send(exchange.apply())

    with FaultServer([look] * 40, upstream=engine.endpoint_url) as server:
        db = face(DynamoDB, config.model_copy(update={"endpoint_url": server.url}))
        shelf = db.query(Paper).where("shelf", "=", "a").select("id", "number")
        for condition, found in (
            (Paper.number != 100, ["q1"]),
            (Attr("number").ne(100), ["q1"]),
            (Attr("number").is_in([101, 7]), ["q1"]),
            ((Paper.number > 100) | (Paper.note == "no"), ["q1"]),
            ((Paper.number >= 100) & (Paper.number < 101), ["q0"]),
            (Paper.shelf != "b", ["q0", "q1"]),
        ):
            items = await shelf.where("number", ">", 50).where(condition).all()
            assert [item.id for item in items] == found
    assert sent
    assert not any(sent)
