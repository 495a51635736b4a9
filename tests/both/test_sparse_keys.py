"""Keys of indexes that may be None and have another default: what was stored as None is read as None."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar

import pytest
from pydantic import Field

from dynamodb_wrapper import (
    GSI,
    LSI,
    AsyncReadApi,
    AsyncWriteApi,
    Dto,
    DynamoDB,
    DynamoDBModel,
    ReadApi,
    View,
    WriteApi,
    add,
    present,
    put,
    remove,
)
from dynamodb_wrapper.models import Instant

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Ticket(DynamoDBModel):
    """Open unless somebody closes it: the index has the open ones only."""

    team: str
    number: int
    state: str | None = "open"
    rank: int | None = 5
    due: Instant | None = Field(default_factory=lambda: NOON)
    note: str | None = "none"
    title: str = ""

    class Meta:
        table_name = "tickets"
        partition_key = "team"
        sort_key = "number"
        gsis: ClassVar = [GSI("ByState", "state", "number"), GSI("ByDue", "team", "due", "KEYS_ONLY")]
        lsis: ClassVar = [LSI("ByRank", "rank")]


class Checked(DynamoDBModel):
    """As a ticket, of a form that pydantic has to look at."""

    id: str = Field(min_length=1)
    state: str | None = "open"

    class Meta:
        table_name = "checked"
        partition_key = "id"
        gsis: ClassVar = [GSI("ByState", "state")]


class Spread(DynamoDBModel):
    id: str
    state: str | None = "open"

    class Meta:
        table_name = "spread"
        partition_key = "id"
        gsis: ClassVar = [GSI("ByState", "state", shards=2)]


class Templated(DynamoDBModel):
    """The field is no key itself, but makes one."""

    id: str
    state: str | None = "open"

    class Meta:
        table_name = "templated"
        partition_key = "pk"
        gsis: ClassVar = [GSI("ByState", "by_state")]
        templates: ClassVar = {"pk": "TICKET#{id}", "by_state": "STATE#{state}"}


class TicketView(View):
    team: str
    number: int
    state: str | None = "unknown"
    title: str = ""


class TicketUpsert(Dto):
    team: str
    number: int
    title: str = ""


class TicketReadApi(ReadApi[Ticket, TicketView]):
    model, view = Ticket, TicketView


class AsyncTicketReadApi(AsyncReadApi[Ticket, TicketView]):
    model, view = Ticket, TicketView


class TicketWriteApi(WriteApi[Ticket, TicketUpsert]):
    model, dto = Ticket, TicketUpsert


class AsyncTicketWriteApi(AsyncWriteApi[Ticket, TicketUpsert]):
    model, dto = Ticket, TicketUpsert


def key(number: int) -> dict[str, Any]:
    return {"team": "a", "number": number}


OPEN = Ticket(**key(1))
CLOSED = Ticket(**key(2), state=None, rank=None, due=None, note=None)


@pytest.fixture
async def db(face: Any, tables: Any) -> Any:
    tables(Ticket)
    db = face(DynamoDB)
    await db.batch_write(Ticket, puts=[OPEN, CLOSED])
    return db


async def test_what_was_put_is_read(db: Any, tables: Any, boto3_table: Any) -> None:
    assert await db.get(Ticket, key(1)) == OPEN
    assert await db.get(Ticket, key(2)) == CLOSED
    assert await db.batch_get(Ticket, [key(2), key(1), key(2)]) == [CLOSED, OPEN, CLOSED]
    assert await db.transact_get([(Ticket, key(1)), (Ticket, key(2))]) == [OPEN, CLOSED]
    assert await db.query(Ticket).where("team", "=", "a").all() == [OPEN, CLOSED]
    assert sorted(await db.scan(Ticket).all(), key=lambda each: each.number) == [OPEN, CLOSED]
    name = db.table_name(Ticket) if isinstance(db.table_name(Ticket), str) else await db.table_name(Ticket)
    assert await db.execute_statement(f'SELECT * FROM "{name}" WHERE number = 2', model=Ticket) == [CLOSED]
    stored = boto3_table(name).get_item(Key=key(2))["Item"]
    assert stored == {**key(2), "note": None, "title": ""}  # no key of an index can be NULL


async def test_what_is_read_is_what_conditions_and_indexes_say(db: Any) -> None:
    assert await db.query(Ticket).where(Ticket.state == "open").all() == [OPEN]
    everything = db.query(Ticket).where("team", "=", "a")
    assert await everything.where(Ticket.state == None).all() == [CLOSED]  # noqa: E711
    assert await everything.where(Ticket.due == None).all() == [CLOSED]  # noqa: E711
    assert await db.scan(Ticket, index="ByState").all() == [OPEN]
    assert await everything.where(present(Ticket.due) >= NOON).all() == [OPEN]
    assert await everything.where(present(Ticket.rank) > 4).index("ByRank").all() == [OPEN]


async def test_updates(db: Any) -> None:
    closed = await db.update(Ticket, key(1), {"state": None, "rank": None, "due": None, "note": None})
    assert closed == CLOSED.model_copy(update=key(1))
    assert await db.get(Ticket, key(1)) == closed
    assert (await db.update(Ticket, key(1), [put(Ticket.state).to("open")])).state == "open"
    assert (await db.update(Ticket, key(1), [remove(Ticket.state)])).state is None
    again = await db.get(Ticket, key(2))
    assert (await db.update(Ticket, key(1), [add(Ticket.rank, 1)])).rank == 1
    assert (await db.update(Ticket, key(1), [put(Ticket.rank).to(present(Ticket.rank) + 2)])).rank == 3
    again.title = "x"
    await db.put(again)
    assert await db.get(Ticket, key(2)) == CLOSED.model_copy(update={"title": "x"})
    assert await db.query(Ticket).where(Ticket.state == "open").all() == []


async def test_an_item_of_before_the_field_is_in_no_index_and_reads_so(
    face: Any, tables: Any, boto3_table: Any
) -> None:
    (name,) = tables(Ticket)
    boto3_table(name).put_item(Item=key(3))
    db = face(DynamoDB)
    old = await db.get(Ticket, key(3))
    assert (old.state, old.rank, old.due, old.note) == (None, None, None, "none")
    assert old.model_fields_set == {"team", "number"}
    assert await db.query(Ticket).where(Ticket.state == "open").all() == []
    found = await db.query(Ticket).where("team", "=", "a").where(Ticket.state == None).all()  # noqa: E711
    assert found == [old]
    for each in found:  # what docs/guide.md says of such items
        await db.update(Ticket, each, {"state": "open"})
    assert [each.number for each in await db.query(Ticket).where(Ticket.state == "open").all()] == [3]


async def test_views_and_selections(db: Any, face: Any) -> None:
    api = face(TicketReadApi)
    assert (await api.get(key(1))).state == "open"
    assert (await api.get(key(2))).state is None
    listed, _ = await api.query({"team": "a"})
    assert [view.state for view in listed] == ["open", None]
    partly, _ = await api.query({"team": "a"}, projection=["title"])
    assert [view.model_fields_set for view in partly] == [{"team", "number", "title"}] * 2
    query = db.query(Ticket).where("team", "=", "a")
    assert [view.state for view in await query.as_(TicketView).all()] == ["open", None]
    assert [row.state for row in await query.select("state").all()] == ["open", None]
    assert {row.state for row in await db.scan(Ticket).select(Ticket.state).all()} == {"open", None}


async def test_a_domain_writes_and_reads_it(db: Any, face: Any) -> None:
    write = face(TicketWriteApi)
    await write.create(TicketUpsert(**key(7)))
    assert (await db.get(Ticket, key(7))).state == "open"
    await db.update(Ticket, key(7), {"state": None})
    stored = await write.upsert(TicketUpsert(**key(7), title="x"))
    assert (stored.title, stored.due, stored.state) == ("x", NOON, None)
    assert await db.get(Ticket, key(7)) == stored
    assert (await write.upsert(TicketUpsert(**key(8)))).state == "open"


@pytest.mark.parametrize("model", [Checked, Spread, Templated])
async def test_of_other_models(model: Any, face: Any, tables: Any) -> None:
    tables(model)
    db = face(DynamoDB)
    await db.batch_write(model, puts=[model(id="a"), model(id="b", state=None)])
    assert [each.state for each in await db.batch_get(model, ["a", "b"])] == ["open", None]
    assert [each.id for each in await db.query(model).where(model.state == "open").all()] == ["a"]
    assert {each.id: each.state for each in await db.scan(model).all()} == {"a": "open", "b": None}
    assert (await db.update(model, "a", {"state": None})).state is None
    assert await db.query(model).where(model.state == "open").all() == []
