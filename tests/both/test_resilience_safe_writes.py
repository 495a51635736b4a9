"""Writes that must not be made twice, under faults, on real engines: each counts exactly once.

With `SafeWrites` as with any other plugin: through the general client, a domain's API and the gateway.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from pydantic import Field
from tests.support.faults import (
    LOST,
    Fault,
    FaultServer,
    alter,
    refuse,
    reset_after_apply,
    reset_before_apply,
    seeded,
    server_error,
    throttle,
    truncate,
)

from dynamodb_wrapper import DynamoDBModel, PipelineConfigUpsert, add, append
from dynamodb_wrapper.client import DynamoDB
from dynamodb_wrapper.core.table_gateway import AsyncTableGateway, TableGateway
from dynamodb_wrapper.engine.flow import Flow, Together
from dynamodb_wrapper.engine.retry import RetryPolicy
from dynamodb_wrapper.exceptions import ConditionalCheckFailedError, ConflictError, ItemNotFoundError
from dynamodb_wrapper.handlers.pipeline_config.commands import PipelineConfigWriteApi
from dynamodb_wrapper.models import PipelineConfig
from dynamodb_wrapper.plugins.resilience.retry import RetryPlugin
from dynamodb_wrapper.plugins.resilience.safe_writes import SafeWrites


class Counter(DynamoDBModel):
    name: str
    count: int = 0
    lines: list[str] = Field(default_factory=list)

    class Meta:
        table_name = "counters"
        partition_key = "name"


class Versioned(DynamoDBModel):
    name: str
    lines: list[str] = Field(default_factory=list)
    revision: int = 0

    class Meta:
        table_name = "versioned"
        partition_key = "name"
        version = "revision"


@pytest.fixture
def faulty(face: Any, tables: Any, config: Any, engine: Any, boto3_table: Any) -> Any:
    """`with faulty(faults) as (make, server, stored)`: `make(Class)` is one whose calls meet these faults."""
    (table,) = tables(Counter)

    def stored() -> Counter | None:
        item = boto3_table(table).get_item(Key={"name": "a"}, ConsistentRead=True).get("Item")
        return Counter.model_validate(item) if item else None

    @contextmanager
    def make(faults: Iterable[Fault], **settings: Any) -> Iterator[Any]:
        boto3_table(table).put_item(Item={"name": "a", "count": 0, "lines": []})
        with FaultServer(faults, upstream=engine.endpoint_url) as server:
            changed = {"endpoint_url": server.url, "plugins": (SafeWrites(),), **settings}

            def on_faults(kind: type, **options: Any) -> Any:
                return face(kind, config.model_copy(update=changed), **options)

            yield on_faults, server, stored

    return make


@pytest.mark.parametrize("fault", LOST)
class TestOneLostAnswer:
    async def test_an_increment_counts_once_and_the_item_comes_back(self, fault: str, faulty: Any) -> None:
        with faulty([LOST[fault]()]) as (make, server, stored):
            after = await make(DynamoDB).update(Counter, "a", [add(Counter.count, 5)])
            assert after.count == stored().count == 5
            assert [request.action for request in server.requests] == ["TransactWriteItems"] * 2 + ["GetItem"]

    async def test_an_append_is_made_once(self, fault: str, faulty: Any) -> None:
        with faulty([LOST[fault]()]) as (make, _, stored):
            await make(DynamoDB).update(Counter, "a", [append(Counter.lines, "x")])
            assert stored().lines == ["x"]

    async def test_a_write_with_a_condition_that_it_makes_false_succeeds(
        self, fault: str, faulty: Any
    ) -> None:
        with faulty([LOST[fault]()] * 3) as (make, _, stored):
            db = make(DynamoDB)
            await db.put(Counter(name="a", count=1), condition=Counter.count == 0)
            assert stored().count == 1
        with faulty([LOST[fault]()]) as (make, _, stored):
            assert await make(DynamoDB).delete(Counter, "a", condition=Counter.count == 0) is True
            assert stored() is None

    async def test_a_create_of_a_domain_is_no_conflict_with_itself(
        self, fault: str, faulty: Any, tables: Any
    ) -> None:
        tables(PipelineConfig)
        dto = PipelineConfigUpsert(
            pipeline_id="p", pipeline_name="P", source_type="s3", destination_type="s3"
        )
        with faulty([LOST[fault]()]) as (make, _, _stored):
            api = make(PipelineConfigWriteApi)
            await api.create_pipeline(dto)
            with pytest.raises(ConflictError) as caught:
                await api.create_pipeline(dto)
            assert caught.value.current_item.pipeline_id == "p"

    async def test_a_gateway_counts_once_and_answers_as_before(
        self, fault: str, faulty: Any, config: Any
    ) -> None:
        request: dict[str, Any] = {
            "Key": {"name": "a"},
            "UpdateExpression": "ADD #c :one SET #l = list_append(#l, :x)",
            "ExpressionAttributeNames": {"#c": "count", "#l": "lines"},
            "ExpressionAttributeValues": {":one": 1, ":x": ["x"]},
            "ReturnValues": "ALL_NEW",
        }
        with faulty([LOST[fault]()]) as (make, _, stored):
            db = make(DynamoDB)
            gateway = TableGateway if hasattr(db, "_blocking") else AsyncTableGateway
            table = gateway(getattr(db, "_blocking", db), config.get_table_name("counters"))
            answer = table.update_item(**request)
            response = answer if isinstance(answer, dict) else await answer
            assert response["Attributes"] == {"name": "a", "count": 1, "lines": ["x"]}
            assert (stored().count, stored().lines) == (1, ["x"])


@pytest.mark.parametrize("fault", LOST)
class TestVersions:
    """A model with a version keeps its own notes; writes that do not look at it need the transaction."""

    async def test_an_append_by_key_is_made_once_and_counts_one_version(
        self, fault: str, faulty: Any, face: Any, tables: Any
    ) -> None:
        tables(Versioned)
        near = face(DynamoDB)
        await near.put(Versioned(name="a"))
        with faulty([LOST[fault]()]) as (make, _, _stored):
            after = await make(DynamoDB).update(Versioned, "a", [append(Versioned.lines, "x")])
        assert (after.lines, after.revision) == (["x"], 2)
        assert (await near.get(Versioned, "a", consistent=True)).lines == ["x"]

    async def test_an_item_that_was_read_is_written_once_and_again(
        self, fault: str, faulty: Any, face: Any, tables: Any
    ) -> None:
        tables(Versioned)
        near = face(DynamoDB)
        await near.put(Versioned(name="a"))
        read = await near.get(Versioned, "a")
        with faulty([LOST[fault]()]) as (make, _, _stored):
            db = make(DynamoDB)
            await db.put(read)
            await db.put(read)
        assert (await near.get(Versioned, "a", consistent=True)).revision == 3


class TestRefusals:
    """Errors are those of the single writes."""

    async def test_a_failed_condition_carries_the_item(self, faulty: Any) -> None:
        with faulty([]) as (make, _, stored):
            with pytest.raises(ConditionalCheckFailedError) as caught:
                await make(DynamoDB).put(Counter(name="a", count=9), condition=Counter.count == 7)
            assert caught.value.current_item == Counter(name="a")
            assert stored().count == 0

    async def test_an_update_whose_condition_fails_is_a_conflict_with_the_item(self, faulty: Any) -> None:
        with faulty([]) as (make, _, _stored), pytest.raises(ConflictError) as caught:
            await make(DynamoDB).update(Counter, "a", {"count": 1}, condition=Counter.count == 7)
        assert caught.value.current_item == Counter(name="a")

    async def test_an_update_of_a_missing_item_is_not_found(self, faulty: Any) -> None:
        with faulty([]) as (make, _, _stored), pytest.raises(ItemNotFoundError):
            await make(DynamoDB).update(Counter, "none", [add(Counter.count, 1)])

    async def test_a_conflict_with_another_transaction_is_waited_out(self, faulty: Any) -> None:
        conflict = refuse(
            "TransactionCanceledException", CancellationReasons=[{"Code": "TransactionConflict"}]
        )
        with faulty([conflict] * 6, retries=2) as (make, _, stored):
            await make(DynamoDB).update(Counter, "a", [add(Counter.count, 1)])
            assert stored().count == 1


MANY = {
    reset_before_apply(): 0.06,
    reset_after_apply(): 0.08,
    server_error(applied=True): 0.05,
    server_error(): 0.03,
    truncate(): 0.04,
    alter(): 0.04,
    throttle(): 0.02,
}
PATIENT = RetryPolicy(attempts=30, throttle_base_seconds=0.02, longest_wait_seconds=0.05)
WORKERS, EACH = 8, 50


def plugins() -> tuple[Any, ...]:
    return SafeWrites(), RetryPlugin(PATIENT, budget=100_000)


class TestManyFaults:
    @pytest.mark.seeds(2, 20)
    async def test_400_acknowledged_increments_and_appends_are_400(self, seed: int, faulty: Any) -> None:
        with faulty(seeded(seed, MANY), plugins=plugins()) as (make, server, stored):
            db = make(DynamoDB)
            client = getattr(db, "_blocking", db)
            await db.drive(together([worker(client, number) for number in range(WORKERS)]))
            after = stored()
            assert len(server.requests) > WORKERS * EACH * 2.2
        assert after.count == WORKERS * EACH
        assert sorted(after.lines) == sorted(f"{w}/{n}" for w in range(WORKERS) for n in range(EACH))


def together(flows: Sequence[Flow[None]]) -> Flow[None]:
    yield Together(flows)


def worker(client: Any, name: int) -> Flow[None]:
    update = type(client).update.__wrapped__
    for number in range(EACH):
        yield from update(
            client, Counter, "a", [add(Counter.count, 1), append(Counter.lines, f"{name}/{number}")]
        )
