from __future__ import annotations

from typing import Any

import pytest

from dynamodb_wrapper.engine.flow import Call
from dynamodb_wrapper.engine.pacing import (
    FIRST_DISTANCE_SECONDS,
    FORGOTTEN_AFTER_SECONDS,
    LONGEST_DISTANCE_SECONDS,
    Pacing,
)
from dynamodb_wrapper.exceptions import ProvisionedThroughputExceededError, ThrottlingReason

HOT = ThrottlingReason("TableWriteKeyRangeThroughputExceeded", "arn:aws:dynamodb:r:1:table/t")
HOT_READ = ThrottlingReason("TableReadKeyRangeThroughputExceeded", "arn:aws:dynamodb:r:1:table/t")
TABLE_READ = ThrottlingReason("TableReadProvisionedThroughputExceeded", "arn:aws:dynamodb:r:1:table/t")
INDEX_READ = ThrottlingReason(
    "IndexReadMaxOnDemandThroughputExceeded", "arn:aws:dynamodb:r:1:table/t/index/i"
)
INDEX_WRITE = ThrottlingReason("IndexWriteAccountLimitExceeded", "arn:aws:dynamodb:r:1:table/t/index/i")


def get(key: str, table: str = "t", **more: Any) -> Call:
    return Call("GetItem", {"Key": {"id": {"S": key}}}, table, **more)


def update(key: str, table: str = "t") -> Call:
    return Call("UpdateItem", {"Key": {"id": {"S": key}}}, table)


def index(name: str, table: str = "t") -> Call:
    return Call("Query", {"IndexName": name, "KeyConditionExpression": "a = :b"}, table)


def throttled(call: Call, *reasons: ThrottlingReason) -> Pacing:
    pacing = Pacing(clock=lambda: 100.0)
    pacing.throttled(call, ProvisionedThroughputExceededError("slow", reasons=reasons))
    return pacing


def test_nothing_waits_where_nothing_is_throttled() -> None:
    assert Pacing().turn(get("a")) == 0.0


@pytest.mark.parametrize(
    ("call", "reason"), [(update("a"), HOT), (get("a"), HOT_READ)], ids=["write", "read"]
)
def test_a_hot_key_slows_the_calls_about_it_and_no_others(call: Call, reason: ThrottlingReason) -> None:
    pacing = throttled(call, reason)
    make = update if call.action == "UpdateItem" else get
    assert pacing.turn(make("a")) > 0
    others = [make("b"), make("a", "u"), Call("Scan", {}, "t"), (get if make is update else update)("a")]
    assert [pacing.turn(other) for other in others] == [0.0] * 4


def test_a_hot_key_of_which_nobody_knows_the_name_slows_nobody_else() -> None:
    put = Call("PutItem", {"Item": {"id": {"S": "a"}}}, "t")
    assert throttled(put, HOT).turn(put) == 0.0


def test_a_put_that_tells_its_partition_key_slows_the_puts_of_that_key_only() -> None:
    def put(key: str) -> Call:
        return Call("PutItem", {"Item": {"id": {"S": key}}}, "t", partition_key="id")

    pacing = throttled(put("a"), HOT)
    assert pacing.turn(put("a")) > 0
    assert [pacing.turn(put("b")), pacing.turn(update("b"))] == [0.0, 0.0]
    assert pacing.turn(update("a")) > 0


@pytest.mark.parametrize("reasons", [[TABLE_READ], []], ids=["reason", "none"])
def test_a_throttled_table_slows_all_its_reads_those_of_indexes_too(reasons: list[ThrottlingReason]) -> None:
    pacing = throttled(get("a"), *reasons)
    assert pacing.turn(get("b")) > 0
    assert pacing.turn(index("i")) > 0
    assert pacing.turn(Call("Scan", {}, "t")) > 0
    assert [pacing.turn(get("a", "u")), pacing.turn(update("a"))] == [0.0, 0.0]


def test_a_throttled_index_slows_what_is_read_through_it() -> None:
    pacing = throttled(index("i"), INDEX_READ)
    assert pacing.turn(index("i")) > 0
    assert [pacing.turn(get("a")), pacing.turn(index("j"))] == [0.0, 0.0]


def test_an_index_that_cannot_take_the_writes_slows_those_of_its_table() -> None:
    pacing = throttled(update("a"), INDEX_WRITE)
    assert pacing.turn(update("b")) > 0
    assert pacing.turn(index("i")) == 0.0


def test_calls_go_one_after_another() -> None:
    pacing = throttled(get("a"), TABLE_READ)
    waits = [pacing.turn(get("a")) for _ in range(3)]
    assert waits == pytest.approx([FIRST_DISTANCE_SECONDS * number for number in (1, 2, 3)])


def test_the_distance_doubles_once_for_those_that_went_together_up_to_a_bound() -> None:
    now = [100.0]
    pacing, error = Pacing(clock=lambda: now[0]), ProvisionedThroughputExceededError("slow")
    for _ in range(5):
        pacing.throttled(get("a"), error)
    assert pacing.turn(get("a")) == pytest.approx(FIRST_DISTANCE_SECONDS)
    for _ in range(10):
        now[0] += 10
        pacing.throttled(get("a"), error)
    assert pacing.turn(get("a")) == pytest.approx(LONGEST_DISTANCE_SECONDS)


def test_successes_end_it() -> None:
    pacing = throttled(get("a"), TABLE_READ)
    for _ in range(20):
        pacing.succeeded(get("b"))
    assert pacing.turn(get("a")) == 0.0


def test_successes_of_others_do_not() -> None:
    pacing = throttled(update("a"), HOT)
    for _ in range(20):
        pacing.succeeded(update("b"))
    assert pacing.turn(update("a")) > 0


def test_a_turn_after_the_deadline_is_not_taken_and_says_why() -> None:
    pacing = throttled(get("a"), TABLE_READ)
    with pytest.raises(ProvisionedThroughputExceededError, match=r"its turn would come in 0.0 s") as caught:
        pacing.turn(get("a", deadline=100.0))
    assert caught.value.reasons == (TABLE_READ,)
    assert pacing.turn(get("a")) == pytest.approx(FIRST_DISTANCE_SECONDS)


def test_what_nobody_asks_for_any_more_is_forgotten() -> None:
    now = [100.0]
    pacing = Pacing(clock=lambda: now[0])
    for number in range(1000):
        pacing.throttled(get(str(number)), ProvisionedThroughputExceededError("slow", reasons=[HOT_READ]))
    now[0] += 2 * FORGOTTEN_AFTER_SECONDS
    assert pacing.turn(get("5")) == 0.0
    assert pacing.slowed == 0
