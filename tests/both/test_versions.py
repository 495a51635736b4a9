"""Optimistic locks (`Meta.version`) on real engines: one scenario, both faces, with and without faults."""

from __future__ import annotations

import copy
import pickle
import time
import uuid
from functools import partial
from typing import Any

import pytest
from pydantic import ConfigDict
from tests.support.faults import (
    FaultServer,
    alter,
    forward,
    reset_after_apply,
    reset_before_apply,
    seeded,
    server_error,
    throttle,
    truncate,
)

from dynamodb_wrapper.client import DynamoDB
from dynamodb_wrapper.engine.flow import Flow, Together
from dynamodb_wrapper.exceptions import (
    ConditionalCheckFailedError,
    ConflictError,
    ConnectionError,
    ItemNotFoundError,
    ProvisionedThroughputExceededError,
    RetryableError,
    TransactionCanceledError,
    ValidationError,
    WriteOutcomeUnknownError,
)
from dynamodb_wrapper.expressions import Compare, Path
from dynamodb_wrapper.models import DynamoDBModel
from dynamodb_wrapper.operations.versions import writers
from dynamodb_wrapper.plugins import RetryPlugin


class Log(DynamoDBModel):
    name: str
    lines: list[str] = []  # noqa: RUF012
    revision: int = 0

    class Meta:
        table_name = "logs"
        partition_key = "name"
        version = "revision"


class Page(DynamoDBModel):
    path: str
    text: str = ""
    version: int | None = None

    class Meta:
        table_name = "pages"
        partition_key = "path"
        version = "version"


LINES = Path(("lines",))


@pytest.fixture
async def db(face: Any, tables: Any) -> Any:
    tables(Log, Page)
    return face(DynamoDB)


class TestPut:
    async def test_each_put_counts_up_in_the_table_and_in_the_instance(
        self, db: Any, boto3_table: Any, config: Any
    ) -> None:
        log = Log(name="a")
        await db.put(log)
        assert log.revision == 1
        log.lines.append("x")
        await db.put(log)
        stored = boto3_table(config.get_table_name("logs")).get_item(Key={"name": "a"})["Item"]
        assert (log.revision, stored["revision"], stored["lines"]) == (2, 2, ["x"])
        assert [len(word) for word in stored["_writes"].split()] == [1, 11]

    async def test_notes_of_writers_are_kept_for_ten_minutes(
        self, db: Any, boto3_table: Any, config: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        table = boto3_table(config.get_table_name("logs"))

        def notes() -> list[str]:
            return table.get_item(Key={"name": "a"})["Item"]["_writes"].split()  # type: ignore[no-any-return]

        log = Log(name="a")
        await db.put(log)
        with writers.token():  # so that the next write is another writer's
            await db.put(log)
        assert len(notes()) == 3
        now = time.time()
        monkeypatch.setattr("dynamodb_wrapper.operations.versions.time.time", lambda: now + 12 * 60)
        await db.put(log)
        assert [notes()[0], len(notes())] == ["2", 2]

    async def test_what_was_read_equals_what_was_put_and_can_be_put(self, db: Any) -> None:
        log = Log(name="a", lines=["x"])
        await db.put(log)
        for get in (await db.get(Log, "a"), (await db.batch_get(Log, ["a"]))[0]):
            assert get == log
            assert get.model_dump() == {"name": "a", "lines": ["x"], "revision": 1}
        for copied in (copy.deepcopy(log), pickle.loads(pickle.dumps(await db.get(Log, "a")))):
            assert copied == log
        await db.put(await db.get(Log, "a"))
        assert (await db.get(Log, "a")).revision == 2

    async def test_an_item_that_was_changed_since_it_was_read_is_a_conflict(self, db: Any) -> None:
        await db.put(Log(name="a"))
        mine, theirs = await db.get(Log, "a"), await db.get(Log, "a")
        theirs.lines = ["theirs"]
        await db.put(theirs)
        mine.lines = ["mine"]
        with pytest.raises(ConflictError, match="its revision is 2, 1 was read") as caught:
            await db.put(mine)
        assert caught.value.current_item == theirs
        assert caught.value.resource_id == "a"
        assert mine.revision == 1
        assert await db.get(Log, "a") == theirs

    async def test_a_new_item_never_overwrites_one(self, db: Any) -> None:
        await db.put(Log(name="a", lines=["first"]))
        with pytest.raises(ConflictError, match="exists already, with revision 1"):
            await db.put(Log(name="a", lines=["second"]))
        assert (await db.get(Log, "a")).lines == ["first"]

    async def test_one_that_was_removed_since_it_was_read_is_a_conflict(self, db: Any) -> None:
        log = Log(name="a")
        await db.put(log)
        await db.delete(Log, "a")
        with pytest.raises(ConflictError, match="was removed since it was read") as caught:
            await db.put(log)
        assert caught.value.current_item is None

    @pytest.mark.parametrize("together", [False, True])
    async def test_one_that_was_removed_and_made_anew_is_a_conflict(self, db: Any, together: bool) -> None:
        async def store(log: Log) -> None:
            await (db.transaction().put(log).execute() if together else db.put(log))

        await store(Log(name="a"))
        mine = await db.get(Log, "a")
        await db.delete(Log, "a")
        theirs = Log(name="a", lines=["theirs"])
        await store(theirs)
        update = partial(db.update, Log, mine, {"lines": []})
        for write in (partial(db.put, mine), update, partial(db.delete, Log, mine)):
            with pytest.raises(ConflictError, match="was removed since it was read, and made anew"):
                await write()
        assert await db.get(Log, "a") == theirs
        await store(theirs)

    async def test_assignment_that_is_validated_keeps_what_was_noted(
        self, face: Any, tables: Any, boto3_table: Any, config: Any
    ) -> None:
        class Checked(Log):
            model_config = ConfigDict(validate_assignment=True, extra="allow")

            class Meta(Log.Meta):
                table_name = "checked"

        tables(Checked)
        db = face(DynamoDB)
        table = boto3_table(config.get_table_name("checked"))
        await db.put(Checked(name="a"))
        with writers.token():  # so that the next write is another writer's
            log = await db.get(Checked, "a")
            log.lines = ["x"]
            await db.put(log)
        assert len(table.get_item(Key={"name": "a"})["Item"]["_writes"].split()) == 3
        assert await db.get(Checked, "a") == log

    @pytest.mark.parametrize("stored", [{}, {"revision": 0}])
    async def test_an_item_without_a_version_gets_one(
        self, stored: dict[str, Any], db: Any, boto3_table: Any, config: Any
    ) -> None:
        table = boto3_table(config.get_table_name("logs"))
        table.put_item(Item={"name": "old", "lines": [], "extra": "kept", **stored})
        log = await db.get(Log, "old")
        await db.put(log)
        assert log.revision == 1
        assert table.get_item(Key={"name": "old"})["Item"]["extra"] == "kept"

    async def test_a_version_may_begin_as_none(self, db: Any) -> None:
        page = Page(path="/")
        await db.put(page)
        assert page.version == 1
        with pytest.raises(ConflictError):
            await db.put(Page(path="/"))
        await db.put(page)
        assert (await db.get(Page, "/")).version == 2

    async def test_a_frozen_instance_stays_as_it_is(self, face: Any, tables: Any) -> None:
        class Fact(Page):
            model_config = ConfigDict(frozen=True)

        tables(Fact)
        db = face(DynamoDB)
        fact = Fact(path="/")
        await db.put(fact)
        assert fact.version is None
        assert (await db.get(Fact, "/")).version == 1

    async def test_the_caller_s_condition_counts_too(self, db: Any) -> None:
        log = Log(name="a", lines=["x"])
        await db.put(log)
        with pytest.raises(ConditionalCheckFailedError) as caught:
            await db.put(log, condition=Compare(LINES, "=", []))
        assert caught.value.current_item == log
        assert log.revision == 1

    @pytest.mark.parametrize("version", [-1, 1.5, True])
    async def test_a_version_that_is_no_count_is_refused(self, version: Any, db: Any) -> None:
        log = Log.model_construct(name="a", lines=[], revision=version)
        with pytest.raises(ValidationError, match="revision"):
            await db.put(log)


class TestUpdate:
    async def test_by_the_key_it_counts_up_and_asks_for_nothing(self, db: Any) -> None:
        log = Log(name="a")
        await db.put(log)
        after = await db.update(Log, "a", {"lines": ["x"]})
        assert (after.lines, after.revision) == (["x"], 2)
        with pytest.raises(ConflictError):
            await db.put(log)

    async def test_by_the_item_it_needs_the_version_that_was_read(self, db: Any) -> None:
        log = Log(name="a")
        await db.put(log)
        after = await db.update(Log, log, {"lines": ["x"]})
        assert (after.lines, after.revision) == (["x"], 2)
        with pytest.raises(ConflictError, match="its revision is 2, 1 was read") as caught:
            await db.update(Log, log, {"lines": ["y"]})
        assert caught.value.current_item == after
        with pytest.raises(ConflictError):  # it has not got what was updated, and would undo it
            await db.put(log)
        assert (await db.update(Log, after, {"lines": ["z"]})).revision == 3

    async def test_of_a_missing_item_it_makes_no_orphan(self, db: Any) -> None:
        for key in ("none", Log(name="none", revision=3)):
            with pytest.raises(ItemNotFoundError):
                await db.update(Log, key, {"lines": ["x"]})
        assert await db.get(Log, "none") is None

    async def test_the_version_cannot_be_given(self, db: Any) -> None:
        with pytest.raises(ValidationError, match="counted up by every write"):
            await db.update(Log, "a", {"revision": 9})


class TestDelete:
    async def test_by_the_item_it_needs_the_version_that_was_read(self, db: Any) -> None:
        log = Log(name="a")
        await db.put(log)
        stale = log.model_copy()
        await db.put(log)
        with pytest.raises(ConflictError, match="its revision is 2, 1 was read"):
            await db.delete(Log, stale)
        assert await db.delete(Log, log) is True
        with pytest.raises(ConflictError, match="was removed since it was read"):
            await db.delete(Log, log)

    async def test_by_the_key_it_asks_for_nothing(self, db: Any) -> None:
        await db.put(Log(name="a"))
        assert await db.delete(Log, "a") is True
        assert await db.delete(Log, "a") is False


class TestTransaction:
    async def test_every_step_keeps_its_lock(self, db: Any) -> None:
        a, b, c = (Log(name=name) for name in "abc")
        for log in (a, b, c):
            await db.put(log)
        await db.transaction().put(a).update(Log, b, {"lines": ["x"]}).delete(Log, c).execute()
        assert (a.revision, b.revision) == (2, 1)
        assert await db.get(Log, "c") is None
        with pytest.raises(TransactionCanceledError) as caught:
            await db.transaction().put(a).check(Log, b).execute()
        assert [reason.code for reason in caught.value.reasons] == ["None", "ConditionalCheckFailed"]
        assert caught.value.reasons[1].item.revision == 2
        assert a.revision == 2
        await db.transaction().put(a).check(Log, await db.get(Log, "b")).execute()
        assert (await db.get(Log, "a")).revision == 3

    async def test_a_new_item_is_made_once_under_one_token(self, db: Any) -> None:
        token = str(uuid.uuid4())
        for _ in range(2):
            await db.transaction(token).put(Log(name="a")).execute()
        assert (await db.get(Log, "a")).revision == 1


LOST = {
    "reset before": reset_before_apply,
    "reset after": reset_after_apply,
    "500 before": server_error,
    "500 after": lambda: server_error(applied=True),
    "truncated": truncate,
    "altered": alter,
}


@pytest.mark.parametrize("fault", LOST)
class TestOneLostAnswer:
    @pytest.fixture
    def through(self, face: Any, config: Any, engine: Any, tables: Any, fault: str) -> Any:
        tables(Log)
        with FaultServer([forward(), LOST[fault]()], upstream=engine.endpoint_url) as server:
            yield face(DynamoDB, config.model_copy(update={"endpoint_url": server.url}))
            assert len(server.requests) > 2

    async def test_a_put_is_applied_once(self, through: Any) -> None:
        log = Log(name="a")
        await through.put(log)
        log.lines.append("x")
        await through.put(log)
        assert log.revision == 2
        assert await through.get(Log, "a") == log
        await through.put(log)

    async def test_an_update_is_applied_once_and_returns_the_item(self, through: Any) -> None:
        log = Log(name="a")
        await through.put(log)
        after = await through.update(Log, log, {"lines": ["x"]})
        assert (after.lines, after.revision) == (["x"], 2)

    async def test_a_delete_says_that_there_was_one(self, through: Any) -> None:
        log = Log(name="a")
        await through.put(log)
        assert await through.delete(Log, log) is True
        assert await through.get(Log, "a") is None


MANY = {
    reset_before_apply(): 0.06,
    reset_after_apply(): 0.1,
    server_error(applied=True): 0.05,
    truncate(): 0.05,
}


class TestNoAnswer:
    """The attempts, or the budget of retries, end before an answer comes."""

    @pytest.mark.parametrize("fault", [reset_after_apply, partial(server_error, applied=True)])
    async def test_the_last_failure_says_that_the_outcome_is_unknown(
        self, fault: Any, face: Any, config: Any, engine: Any, tables: Any
    ) -> None:
        tables(Log)
        log = Log(name="a")
        await face(DynamoDB).put(log)
        log.lines.append("x")
        with FaultServer([fault()] * 2, upstream=engine.endpoint_url) as server:
            settings = {"endpoint_url": server.url, "retries": 2}
            db = face(DynamoDB, config.model_copy(update=settings))
            with pytest.raises((ConnectionError, RetryableError)) as caught:
                await db.put(log)
            assert (caught.value.outcome_unknown, log.revision) == (True, 1)
            stored = await db.get(Log, "a")
            assert (stored.lines, stored.revision) == (["x"], 2)
            with pytest.raises(ConflictError):
                await db.put(log)

    async def test_a_failure_that_applied_nothing_says_so(
        self, face: Any, config: Any, engine: Any, tables: Any
    ) -> None:
        tables(Log)
        log = Log(name="a")
        await face(DynamoDB).put(log)
        with FaultServer([throttle()] * 2, upstream=engine.endpoint_url) as server:
            settings = {"endpoint_url": server.url, "retries": 2}
            db = face(DynamoDB, config.model_copy(update=settings))
            with pytest.raises(ProvisionedThroughputExceededError) as caught:
                await db.put(log)
            assert caught.value.outcome_unknown is False
            await db.put(log)
            assert log.revision == 2


class TestManyLostAnswers:
    @pytest.mark.seeds(2, 20)
    async def test_appends_of_several_writers_are_neither_lost_nor_doubled(
        self, seed: int, face: Any, config: Any, engine: Any, tables: Any
    ) -> None:
        tables(Log)
        count, each = 6, 25
        unknown: list[str] = []
        with FaultServer(seeded(seed, MANY), upstream=engine.endpoint_url) as server:
            await face(DynamoDB).put(Log(name="a"))
            settings = {"endpoint_url": server.url, "retries": 20, "plugins": (RetryPlugin(budget=100_000),)}
            dbs = [face(DynamoDB, config.model_copy(update=settings)) for _ in range(count)]
            clients = [getattr(db, "_blocking", db) for db in dbs]
            await dbs[0].drive(together(clients, each, unknown))
            assert len(server.requests) > count * each * 2
        lines = (await face(DynamoDB).get(Log, "a")).lines
        assert unknown == []
        assert sorted(lines) == sorted(
            f"{writer}/{number}" for writer in range(count) for number in range(each)
        )

    async def test_a_write_that_waits_while_others_write_on_knows_that_it_was_applied(
        self, face: Any, config: Any, engine: Any, tables: Any
    ) -> None:
        tables(Log)
        others = face(DynamoDB)
        log = Log(name="a")
        await others.put(log)

        def overtaken(exchange: Any) -> None:
            exchange.apply()
            with DynamoDB(config) as other:
                theirs = log
                for number in range(100):
                    theirs = other.get(Log, "a") or log
                    theirs.lines.append(str(number))
                    other.put(theirs)
                other.update(Log, "a", {"lines": [*theirs.lines, "by key"]})
                other.transaction().put(other.get(Log, "a") or theirs).execute()
            exchange.reset()

        with FaultServer([overtaken], upstream=engine.endpoint_url) as server:
            db = face(DynamoDB, config.model_copy(update={"endpoint_url": server.url}))
            log.lines.append("mine")
            await db.put(log)
        assert len((await others.get(Log, "a")).lines) == 102

    async def test_a_delete_that_did_not_happen_is_a_conflict(
        self, face: Any, config: Any, engine: Any, tables: Any
    ) -> None:
        tables(Log)
        others = face(DynamoDB)
        log = Log(name="a")
        await others.put(log)

        def overtaken(exchange: Any) -> None:
            with DynamoDB(config) as other, writers.token():
                other.put(other.get(Log, "a") or log)
            exchange.reset()

        with FaultServer([overtaken], upstream=engine.endpoint_url) as server:
            db = face(DynamoDB, config.model_copy(update={"endpoint_url": server.url}))
            with pytest.raises(ConflictError, match="its revision is 2, 1 was read"):
                await db.delete(Log, log)

    async def test_one_who_cannot_know_says_so(
        self, face: Any, config: Any, engine: Any, tables: Any, boto3_table: Any
    ) -> None:
        (table,) = tables(Log)
        others = face(DynamoDB)
        log = Log(name="a")
        await others.put(log)

        def overwritten(exchange: Any) -> None:
            exchange.apply()
            boto3_table(table).update_item(
                Key={"name": "a"},
                UpdateExpression="SET #r = :r, #w = :w",
                ExpressionAttributeNames={"#r": "revision", "#w": "_writes"},
                ExpressionAttributeValues={":r": 5, ":w": "another"},
            )
            exchange.reset()

        with FaultServer([overwritten], upstream=engine.endpoint_url) as server:
            db = face(DynamoDB, config.model_copy(update={"endpoint_url": server.url}))
            with pytest.raises(WriteOutcomeUnknownError, match="may or may not have been applied"):
                await db.put(log)


def together(clients: list[Any], each: int, unknown: list[str]) -> Flow[None]:
    yield Together([writer(client, number, each, unknown) for number, client in enumerate(clients)])


def writer(client: Any, name: int, each: int, unknown: list[str]) -> Flow[None]:
    requests = type(client)
    for number in range(each):
        while True:
            log = yield from requests.get.__wrapped__(client, Log, "a", consistent=True)
            log.lines.append(f"{name}/{number}")
            try:
                yield from requests.put.__wrapped__(client, log)
            except WriteOutcomeUnknownError:
                unknown.append(f"{name}/{number}")
                break
            except ConflictError:
                continue
            break
