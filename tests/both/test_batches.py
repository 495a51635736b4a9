"""Batches of the general client on real engines: one scenario, both faces, with and without faults."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, ClassVar

import pytest
from tests.support.faults import (
    Exchange,
    FaultServer,
    answered,
    refuse,
    reset_after_apply,
    reset_before_apply,
    seeded,
    server_error,
    slow,
    throttle,
)

from dynamodb_wrapper.client import DynamoDB
from dynamodb_wrapper.exceptions import (
    BulkWriteError,
    DeadlineExceededError,
    ProvisionedThroughputExceededError,
    TableNotFoundError,
    UnprocessedError,
    ValidationError,
)
from dynamodb_wrapper.models import DynamoDBModel


class Part(DynamoDBModel):
    sku: str
    count: int = 0

    class Meta:
        table_name = "parts"
        partition_key = "sku"


class Shelf(DynamoDBModel):
    hall: str
    number: int
    text: str = ""

    class Meta:
        table_name = "shelves"
        partition_key = "hall"
        sort_key = "number"


class PartName(DynamoDBModel):
    """Another picture of the items of Part."""

    sku: str

    class Meta:
        table_name = "parts"
        partition_key = "sku"


class Locked(Part):
    version: int = 0

    class Meta:
        table_name = "locked"
        partition_key = "sku"
        version = "version"


class Single(Part):
    class Meta:
        table_name = "single"
        partition_key = "sku"
        unique: ClassVar = ["count"]


PARTS = [Part(sku=f"p{number}", count=number) for number in range(120)]
SHELVES = [Shelf(hall="a", number=number) for number in range(60)]


@pytest.fixture
async def db(face: Any, tables: Any) -> Any:
    tables(Part, Shelf)
    return face(DynamoDB)


@pytest.fixture
def through(face: Any, config: Any, engine: Any, tables: Any) -> Any:
    """`with through(faults, **settings) as (client, server)`: a client whose calls meet these faults."""
    tables(Part, Shelf)

    class Through:
        def __init__(self, faults: Any, **settings: Any) -> None:
            self.server = FaultServer(faults, upstream=engine.endpoint_url)
            self.settings = settings

        def __enter__(self) -> tuple[Any, FaultServer]:
            server = self.server.__enter__()
            changed = {"endpoint_url": server.url, **self.settings}
            return face(DynamoDB, config.model_copy(update=changed)), server

        def __exit__(self, *error: object) -> None:
            self.server.__exit__(*error)

    return Through


@asynccontextmanager
async def block(db: Any, face: Any, **options: Any) -> AsyncIterator[Any]:
    """`with db.batch()`, or `async with` on the awaiting face; its writes may be awaited in both."""
    if face.name == "sync":
        with await db.batch(**options) as batch:
            yield type(db)(batch)
    else:
        async with db.batch(**options) as batch:
            yield batch


class TestReading:
    async def test_several_models_are_read_together_in_the_order_of_the_pairs(self, through: Any) -> None:
        with through([]) as (db, server):
            await db.batch_write(Part, puts=PARTS)
            await db.batch_write(Shelf, puts=SHELVES)
            sent = len(server.requests)
            pairs: list[Any] = []
            for number in range(60):
                pairs += [(Part, f"p{number}"), (Shelf, {"hall": "a", "number": number}), (Part, "none")]
            found = await db.batch_get(pairs, consistent=True)
            assert len(server.requests) - sent == 2
        wanted: list[Any] = []
        for number in range(60):
            wanted += [PARTS[number], SHELVES[number], None]
        assert found == wanted

    async def test_two_models_of_one_table_get_each_its_own(self, db: Any) -> None:
        await db.put(PARTS[1])
        found = await db.batch_get([(Part, "p1"), (PartName, "p1"), (Part, "p1")])
        assert found[0] == found[2] == PARTS[1]
        assert type(found[1]) is PartName
        assert found[1].sku == "p1"

    async def test_nothing_is_nothing(self, db: Any) -> None:
        assert await db.batch_get([]) == []

    @pytest.mark.parametrize(
        "arguments", [(Part, "p1"), (Shelf, {"hall": "a", "number": 1}), (Part,), ([(Part, "p1")], ["p1"])]
    )
    async def test_keys_belong_to_a_model_and_only_to_one(self, arguments: Any, db: Any) -> None:
        with pytest.raises(ValidationError, match="keys"):
            await db.batch_get(*arguments)

    async def test_what_throttles_is_read_all_the_same(self, through: Any) -> None:
        faults = seeded(3, {throttle(retry_after_ms=1): 0.3, reset_before_apply(): 0.1})
        with through([]) as (db, _):
            await db.batch_write(Part, puts=PARTS)
        with through(faults, retries=10) as (db, _):
            assert await db.batch_get(Part, [part.sku for part in PARTS]) == PARTS

    async def test_leftovers_at_the_deadline_are_reported(self, through: Any) -> None:
        with through(seeded(1, {nothing_done: 1.0})) as (db, _):
            start = time.monotonic()
            with pytest.raises(UnprocessedError, match=r"2 keys of .*parts were not read") as caught:
                await db.batch_get(Part, ["p1", "p2", "p1"], timeout_seconds=0.3)
            assert time.monotonic() - start < 2
        assert caught.value.unprocessed == ((Part, "p1"), (Part, "p2"), (Part, "p1"))
        assert isinstance(caught.value, ProvisionedThroughputExceededError)

    async def test_what_was_not_answered_at_the_deadline_is_left_over_too(self, through: Any) -> None:
        with through(seeded(1, {slow(2.0): 1.0})) as (db, _):
            with pytest.raises(UnprocessedError, match="were not read: the time is over") as caught:
                await db.batch_get(Part, ["p1", "p2"], timeout_seconds=0.2)
            assert caught.value.unprocessed == ((Part, "p1"), (Part, "p2"))
            assert isinstance(caught.value.original_error, DeadlineExceededError)
            with pytest.raises(BulkWriteError) as unwritten:
                await db.batch_write(Part, puts=PARTS[:2], timeout_seconds=0.2)
            assert unwritten.value.unwritten == tuple(PARTS[:2])


def nothing_done(exchange: Exchange) -> None:
    """The service leaves all over."""
    body = exchange.request.json["RequestItems"]
    member = "UnprocessedKeys" if exchange.request.action == "BatchGetItem" else "UnprocessedItems"
    exchange.send(answered({member: body}))


def half_done(exchange: Exchange) -> None:
    """The service writes all, but says that it left half of it over."""
    exchange.apply()
    ((table, requests),) = exchange.request.json["RequestItems"].items()
    exchange.send(answered({"UnprocessedItems": {table: requests[len(requests) // 2 :]}}))


class TestWriting:
    async def test_under_faults_every_item_is_written(self, through: Any, boto3_table: Any) -> None:
        faults = seeded(
            5,
            {
                throttle(retry_after_ms=1): 0.15,
                half_done: 0.15,
                reset_after_apply(): 0.1,
                server_error(): 0.1,
            },
        )
        parts = [Part(sku=f"p{number}", count=number) for number in range(400)]
        with through(faults, retries=10) as (db, server):
            outcomes = await db.batch_write(Part, puts=parts, outcomes=True)
            assert len(server.requests) > 16
            assert all(outcome.written for outcome in outcomes)
            assert [outcome.given for outcome in outcomes] == parts
        with through([]) as (db, _):
            assert await db.batch_get(Part, [part.sku for part in parts]) == parts

    async def test_leftovers_at_the_deadline_are_carried_by_the_error(self, through: Any) -> None:
        def only_p1(exchange: Exchange) -> None:
            ((table, requests),) = exchange.request.json["RequestItems"].items()
            left = [each for each in requests if "p1" not in str(each)]
            exchange.send(answered({"UnprocessedItems": {table: left}}))

        with (
            through(seeded(1, {only_p1: 1.0})) as (db, _),
            pytest.raises(BulkWriteError, match="2 of 3 writes of a batch failed") as caught,
        ):
            await db.batch_write(Part, puts=PARTS[:2], deletes=["x"], timeout_seconds=0.3)
        error = caught.value
        assert error.succeeded == ("p1",)
        assert set(error.failed) == {"p0", "x"}
        assert {type(each) for each in error.failed.values()} == {UnprocessedError}
        assert error.unwritten == (PARTS[0], "x")

    async def test_outcomes_are_returned_and_not_raised(self, through: Any) -> None:
        with through(seeded(1, {nothing_done: 1.0})) as (db, _):
            outcomes = await db.batch_write(
                Part, puts=PARTS[:2], deletes=["x"], outcomes=True, timeout_seconds=0.2
            )
        assert [outcome.given for outcome in outcomes] == [PARTS[0], PARTS[1], "x"]
        assert [outcome.written for outcome in outcomes] == [False] * 3

    async def test_an_error_that_waiting_does_not_mend_ends_it(self, face: Any, config: Any) -> None:
        missing = refuse("ResourceNotFoundException")
        with FaultServer(seeded(1, {missing: 1.0})) as server:
            db = face(DynamoDB, config.model_copy(update={"endpoint_url": server.url}))
            with pytest.raises(TableNotFoundError):
                await db.batch_write(Part, puts=[Part(sku=str(number)) for number in range(2000)])
            assert len(server.requests) <= 32

    async def test_what_was_written_before_an_error_is_told(self, face: Any, config: Any) -> None:
        def answers() -> Any:
            yield from [lambda exchange: exchange.send(answered())] * 32
            while True:
                yield refuse("AccessDeniedException")

        parts = [Part(sku=str(number)) for number in range(1000)]
        with FaultServer(answers()) as server:
            db = face(DynamoDB, config.model_copy(update={"endpoint_url": server.url}))
            with pytest.raises(BulkWriteError, match="200 of 1000 writes") as caught:
                await db.batch_write(Part, puts=parts)
        assert len(caught.value.succeeded) == 800
        assert list(caught.value.unwritten) == parts[800:]

    async def test_of_two_of_one_item_the_later_is_kept(self, db: Any) -> None:
        outcomes = await db.batch_write(
            Part, puts=[Part(sku="a", count=1), Part(sku="a", count=2)], deletes=["p0"], outcomes=True
        )
        assert len(outcomes) == 3
        assert (await db.get(Part, "a")).count == 2

    async def test_an_item_of_another_model_is_refused(self, db: Any) -> None:
        with pytest.raises(ValidationError, match="Shelf is no Part"):
            await db.batch_write(Part, puts=[SHELVES[0]])

    @pytest.mark.parametrize(("model", "what"), [(Locked, "version"), (Single, "unique")])
    async def test_what_a_batch_cannot_keep_is_refused(self, model: Any, what: str, face: Any) -> None:
        db = face(DynamoDB)
        for writes in ({"puts": [model(sku="a")]}, {"deletes": ["a"]}):
            with pytest.raises(ValidationError, match=rf"Meta\.{what}, which a batch cannot keep"):
                await db.batch_write(model, **writes)
        async with block(db, face, outcomes=True) as batch:
            for call in (batch.put(model(sku="a")), batch.delete(model, "a")):
                with pytest.raises(ValidationError, match=rf"Meta\.{what}, which a batch cannot keep"):
                    await call
        assert batch.outcomes == []


class TestBlock:
    async def test_any_models_and_any_number(self, db: Any, face: Any) -> None:
        await db.put(Part(sku="gone"))
        async with block(db, face) as batch:
            for part in PARTS:
                await batch.put(part)
            for shelf in SHELVES:
                await batch.put(shelf)
            await batch.delete(Part, "gone")
        assert await db.batch_get(Part, [part.sku for part in PARTS]) == PARTS
        assert (await db.get(Shelf, {"hall": "a", "number": 59})) == SHELVES[59]
        assert await db.get(Part, "gone") is None

    async def test_a_body_that_raises_sends_nothing_more(self, through: Any, face: Any) -> None:
        with through([]) as (db, server):
            with pytest.raises(ZeroDivisionError):  # noqa: PT012
                async with block(db, face) as batch:
                    for number in range(250):
                        await batch.put(Part(sku=f"n{number}"))
                    raise ZeroDivisionError
            assert len(server.requests) == 8
            assert await db.get(Part, "n199") is not None
            assert await db.get(Part, "n200") is None

    async def test_nothing_is_added_when_it_has_ended(self, db: Any, face: Any) -> None:
        async with block(db, face) as batch:
            await batch.put(Part(sku="a"))
        with pytest.raises(ValidationError, match="has ended"):
            await batch.put(Part(sku="b"))

    async def test_a_wrong_item_is_refused_when_it_is_added(self, db: Any, face: Any) -> None:
        with pytest.raises(ValidationError):  # noqa: PT012
            async with block(db, face) as batch:
                await batch.put(Part(sku="good"))
                await batch.put(Part(sku=""))
        assert await db.get(Part, "good") is None

    async def test_outcomes_are_gathered_where_they_are_asked_for(self, through: Any, face: Any) -> None:
        with through(seeded(1, {nothing_done: 1.0})) as (db, _):
            async with block(db, face, outcomes=True, timeout_seconds=0.2) as batch:
                await batch.put(PARTS[0])
            assert [outcome.written for outcome in batch.outcomes] == [False]

    async def test_failures_are_raised_at_the_end_of_the_block(self, through: Any, face: Any) -> None:
        with through(seeded(1, {nothing_done: 1.0})) as (db, _):  # noqa: SIM117
            with pytest.raises(BulkWriteError) as caught:  # noqa: PT012
                async with block(db, face, timeout_seconds=0.2) as batch:
                    await batch.put(PARTS[0])
                    await batch.delete(Shelf, {"hall": "a", "number": 1})
        assert caught.value.unwritten == (PARTS[0], {"hall": "a", "number": 1})
