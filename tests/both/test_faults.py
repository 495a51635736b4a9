"""What happens when the network or the service fails under a call: through a proxy, on real engines.

No acknowledged write is lost or counted twice, no altered value is ever returned, and a write whose outcome
nobody can know says so.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any

import pytest
from pydantic import BaseModel
from tests.support.faults import (
    LOST,
    Fault,
    FaultServer,
    alter,
    forward,
    html,
    reset_after_apply,
    reset_before_apply,
    seeded,
    server_error,
    slow,
    throttle,
    truncate,
)

from dynamodb_wrapper.client import DynamoDB
from dynamodb_wrapper.exceptions import (
    ConnectionError,
    DeadlineExceededError,
    ProvisionedThroughputExceededError,
    RetryableError,
    ThrottlingReason,
    WriteOutcomeUnknownError,
)
from dynamodb_wrapper.expressions import Add, Increment, Missing, Path, Update
from dynamodb_wrapper.operations import TransactAction, TransactWrite, UpdateItem
from dynamodb_wrapper.operations.readers import plain


class Counter(BaseModel):
    name: str
    count: int = 0
    text: str = "the quick brown fox"

    class Meta:
        table_name = "counters"
        partition_key = "name"


KEY: dict[str, Any] = {"name": {"S": "a"}}
NAME, COUNT = Path(("name",)), Path(("count",))
BEFORE = Counter(name="a", count=1)

APPLIED = {"reset after", "500 after", "truncated", "altered"}


@pytest.fixture
def faulty(face: Any, tables: Any, config: Any, engine: Any, boto3_table: Any) -> Any:
    """`with faulty(faults, **settings) as (db, server, stored)`: a client whose calls meet these faults.

    `stored()` is the item as the engine has it, read by boto3.
    """
    (table,) = tables(Counter)

    def stored() -> dict[str, Any] | None:
        return boto3_table(table).get_item(Key={"name": "a"}, ConsistentRead=True).get("Item")  # type: ignore[no-any-return]

    @contextmanager
    def make(faults: Iterable[Fault], **settings: Any) -> Iterator[tuple[Any, FaultServer, Any]]:
        boto3_table(table).put_item(Item=BEFORE.model_dump())
        with FaultServer(faults, upstream=engine.endpoint_url) as server:
            yield (
                face(DynamoDB, config.model_copy(update={"endpoint_url": server.url, **settings})),
                server,
                stored,
            )

    return make


def increment(config: Any, change: Any = None, **more: Any) -> UpdateItem[Any]:
    return UpdateItem(
        table=config.get_table_name("counters"),
        reader=plain,
        key=KEY,
        update=Update((change or Increment(COUNT, 1),)),
        **more,
    )


@pytest.mark.parametrize("fault", LOST)
class TestOneFault:
    async def test_a_read_is_sent_again_and_returns_what_is_stored(self, fault: str, faulty: Any) -> None:
        with faulty([LOST[fault]()]) as (db, server, _):
            assert await db.get(Counter, "a") == BEFORE
            assert len(server.requests) == 2

    async def test_a_put_without_a_condition_is_sent_again(self, fault: str, faulty: Any) -> None:
        with faulty([LOST[fault]()]) as (db, server, stored):
            await db.put(Counter(name="a", count=2))
            assert stored()["count"] == 2
            assert len(server.requests) == 2

    async def test_a_put_with_a_condition_is_not_and_says_that_nobody_knows(
        self, fault: str, faulty: Any
    ) -> None:
        with faulty([LOST[fault]()]) as (db, server, stored):
            with pytest.raises(WriteOutcomeUnknownError, match=r"PutItem on .*counters may or may not"):
                await db.put(Counter(name="a", count=2), condition=~Missing(NAME))
            assert stored()["count"] == (2 if fault in APPLIED else 1)
            assert len(server.requests) == 1

    @pytest.mark.parametrize("change", [Increment(COUNT, 1), Add(COUNT, 1)], ids=["increment", "add"])
    async def test_an_increment_is_not_and_says_that_nobody_knows(
        self, fault: str, change: Any, faulty: Any, config: Any
    ) -> None:
        with faulty([LOST[fault]()]) as (db, server, stored):
            with pytest.raises(WriteOutcomeUnknownError):
                await db.run(increment(config, change))
            assert stored()["count"] == (2 if fault in APPLIED else 1)
            assert len(server.requests) == 1
            await db.run(increment(config, change))
            assert stored()["count"] == (3 if fault in APPLIED else 2)

    async def test_an_increment_in_a_transaction_is_sent_again_and_counts_once(
        self, fault: str, faulty: Any, config: Any
    ) -> None:
        with faulty([LOST[fault]()]) as (db, server, stored):
            await db.run(TransactWrite([counted(config)]))
            assert stored()["count"] == 2
            assert len(server.requests) == 2


def counted(config: Any) -> TransactAction:
    one = increment(config)
    return TransactAction(table=one.table, reader=plain, key=KEY, update=one.update)


MANY = {
    reset_before_apply(): 0.08,
    reset_after_apply(): 0.08,
    server_error(applied=True): 0.04,
    server_error(): 0.04,
    truncate(): 0.04,
    alter(): 0.04,
}


class TestManyFaults:
    async def test_every_acknowledged_increment_counts_once(self, faulty: Any, config: Any) -> None:
        acknowledged = unknown = 0
        with faulty(seeded(7, MANY)) as (db, _, stored):
            for _ in range(100):
                try:
                    await db.run(increment(config))
                    acknowledged += 1
                except WriteOutcomeUnknownError:
                    unknown += 1
            assert unknown > 10
            assert acknowledged <= stored()["count"] - 1 <= acknowledged + unknown

    async def test_increments_in_transactions_are_all_counted_exactly_once(
        self, faulty: Any, config: Any
    ) -> None:
        with faulty(seeded(11, MANY), retries=20) as (db, _, stored):
            for _ in range(60):
                await db.run(TransactWrite([counted(config)]))
            assert stored()["count"] == 61

    async def test_reads_return_only_what_is_stored(self, faulty: Any) -> None:
        with faulty(seeded(13, MANY), retries=20) as (db, server, _):
            for _ in range(60):
                assert await db.get(Counter, "a") == BEFORE
            assert len(server.requests) > 60


class TestThrottles:
    async def test_a_throttled_write_was_not_applied_and_is_sent_again(
        self, faulty: Any, config: Any
    ) -> None:
        with faulty([throttle()]) as (db, server, stored):
            await db.run(increment(config))
            assert stored()["count"] == 2
            assert len(server.requests) == 2

    async def test_when_attempts_end_the_error_names_limit_and_table(self, faulty: Any) -> None:
        with (
            faulty([throttle("KeyRangeThroughputExceeded")] * 2, retries=2) as (db, server, _),
            pytest.raises(ProvisionedThroughputExceededError) as caught,
        ):
            await db.get(Counter, "a")
        assert caught.value.reasons == (
            ThrottlingReason("KeyRangeThroughputExceeded", "arn:aws:dynamodb:us-east-1:1:table/t"),
        )
        assert len(server.requests) == 2

    async def test_a_wait_that_the_service_asks_for_is_kept(self, faulty: Any) -> None:
        with faulty([throttle(retry_after_ms=1200)]) as (db, _, _):
            start = time.monotonic()
            await db.get(Counter, "a")
            assert time.monotonic() - start >= 1.2


class TestLastingFaults:
    @pytest.mark.parametrize(
        ("fault", "error"),
        [(server_error, RetryableError), (reset_before_apply, ConnectionError), (html, ConnectionError)],
        ids=["500", "reset", "html"],
    )
    async def test_after_the_last_attempt_the_last_failure_is_raised(
        self, fault: Callable[[], Fault], error: type[Exception], faulty: Any
    ) -> None:
        with faulty([fault()] * 9, retries=3) as (db, server, _):
            with pytest.raises(error) as caught:
                await db.get(Counter, "a")
            assert type(caught.value) is error
            assert len(server.requests) == 3

    async def test_a_page_of_another_server_is_named_as_such(self, faulty: Any) -> None:
        with (
            faulty([html()] * 4) as (db, _, _),
            pytest.raises(ConnectionError, match=r"text/html.*not DynamoDB's JSON"),
        ):
            await db.get(Counter, "a")


class TestDeadline:
    async def test_a_slow_answer_ends_the_call_in_its_time(self, faulty: Any) -> None:
        with faulty([slow(1.0)], timeout_seconds=0.3) as (db, server, _):
            start = time.monotonic()
            with pytest.raises(DeadlineExceededError, match="timeout_seconds"):
                await db.get(Counter, "a")
            assert 0.25 < time.monotonic() - start < 0.9
            assert len(server.requests) == 1

    async def test_a_slow_answer_to_an_increment_leaves_its_outcome_unknown(
        self, faulty: Any, config: Any
    ) -> None:
        with faulty([slow(0.6)], timeout_seconds=0.2) as (db, server, _):
            with pytest.raises(WriteOutcomeUnknownError):
                await db.run(increment(config))
            assert len(server.requests) == 1

    async def test_a_late_answer_is_never_taken_for_that_of_another_call(self, faulty: Any) -> None:
        with faulty(chain([forward(), slow(0.5)]), timeout_seconds=0.3) as (db, _, _):
            assert await db.get(Counter, "none") is None
            with pytest.raises(DeadlineExceededError):
                await db.get(Counter, "none")
            time.sleep(0.3)  # noqa: ASYNC251  # the late answer arrives meanwhile
            assert await db.get(Counter, "a") == BEFORE

    async def test_failures_that_go_on_end_with_the_deadline(self, faulty: Any) -> None:
        with faulty(seeded(1, {throttle(): 1.0}), timeout_seconds=1.0, retries=50) as (db, _, _):
            start = time.monotonic()
            with pytest.raises(ProvisionedThroughputExceededError):
                await db.get(Counter, "a")
            assert time.monotonic() - start < 1.5
