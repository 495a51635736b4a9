from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from dynamodb_wrapper.engine.flow import Call
from dynamodb_wrapper.exceptions import ProvisionedThroughputExceededError, ValidationError
from dynamodb_wrapper.expressions import Path
from dynamodb_wrapper.operations import BatchGet, BatchWrite
from dynamodb_wrapper.operations.readers import plain
from dynamodb_wrapper.wire.values import encode_item


def key(value: object) -> dict[str, Any]:
    return encode_item({"id": value})


def item(value: object, **more: Any) -> dict[str, Any]:
    return encode_item({"id": value, **more})


def get(*values: object, **more: Any) -> BatchGet[dict[str, Any]]:
    return BatchGet(table="t", keys=[key(value) for value in values], reader=plain, **more)


def keys_of(call: Call) -> list[dict[str, Any]]:
    return call.body["RequestItems"]["t"]["Keys"]  # type: ignore[no-any-return]


def found(call: Call) -> dict[str, Any]:
    """Every key is there; the service gives them in another order."""
    return {"Responses": {"t": [wanted | {"n": {"N": "1"}} for wanted in reversed(keys_of(call))]}}


class TestBatchGet:
    def test_its_request(self) -> None:
        body = get("a", "b", "a", consistent=True, projection=[Path.of("name")]).call().body
        assert body == {
            "RequestItems": {
                "t": {
                    "Keys": [key("a"), key("b")],
                    "ConsistentRead": True,
                    "ProjectionExpression": "#0, #1",
                    "ExpressionAttributeNames": {"#0": "name", "#1": "id"},
                }
            }
        }

    def test_a_key_that_is_projected_stands_once(self) -> None:
        table = get("a", projection=[Path.of("id")]).call().body["RequestItems"]["t"]
        assert table["ProjectionExpression"] == "#0"

    def test_items_come_in_the_order_of_the_keys_none_for_a_missing_one(
        self, service: Callable[..., Any]
    ) -> None:
        asked = service({"Responses": {"t": [item("c"), item("a")]}})
        assert asked.run(get("a", "b", "c")) == [{"id": "a"}, None, {"id": "c"}]

    def test_a_key_may_stand_twice_and_is_asked_for_once(self, service: Callable[..., Any]) -> None:
        asked = service(found)
        assert [each["id"] for each in asked.run(get("a", "b", "a"))] == ["a", "b", "a"]
        assert keys_of(asked.sent[0]) == [key("a"), key("b")]

    def test_numbers_are_one_key_however_they_are_written(self, service: Callable[..., Any]) -> None:
        asked = service({"Responses": {"t": [item(1), item(100)]}})
        got = asked.run(get(1.0, Decimal("1.00"), 1, Decimal("1E+2"), 100))
        assert [each["id"] for each in got] == [1, 1, 1, 100, 100]
        assert len(keys_of(asked.sent[0])) == 2

    def test_numbers_of_38_digits_are_told_apart(self, service: Callable[..., Any]) -> None:
        first = 10**37 + 1
        asked = service(found)
        assert [each["id"] for each in asked.run(get(first, first + 1))] == [first, first + 1]

    @pytest.mark.parametrize("count", [99, 100, 101, 250])
    def test_more_than_a_hundred_keys_are_asked_for_in_several_calls(
        self, count: int, service: Callable[..., Any]
    ) -> None:
        asked = service(*[found] * 3)
        got = asked.run(get(*range(count)))
        assert [each["id"] for each in got] == list(range(count))
        sizes = [len(keys_of(call)) for call in asked.sent]
        assert sizes == [100] * (count // 100) + [count % 100] * (count % 100 > 0)

    def test_no_keys_ask_for_nothing(self, service: Callable[..., Any]) -> None:
        assert service().run(get()) == []

    def test_what_was_left_over_is_asked_for_again_after_a_wait(self, service: Callable[..., Any]) -> None:
        left = {"UnprocessedKeys": {"t": {"Keys": [key("b"), key("c")]}}}
        asked = service({"Responses": {"t": [item("a")]}} | left, found)
        assert [each["id"] for each in asked.run(get("a", "b", "c", projection=[Path.of("n")]))] == [
            "a",
            "b",
            "c",
        ]
        assert keys_of(asked.sent[1]) == [key("b"), key("c")]
        assert "ProjectionExpression" in asked.bodies[1]["RequestItems"]["t"]
        assert len(asked.waits) == 1

    def test_when_nothing_comes_any_more_it_gives_up(self, service: Callable[..., Any]) -> None:
        stuck = {"UnprocessedKeys": {"t": {"Keys": [key("a")]}}}
        asked = service(*[stuck] * 20)
        with pytest.raises(ProvisionedThroughputExceededError, match="1 keys of t were not read"):
            asked.run(get("a"))
        assert len(asked.sent) == 12
        assert all(0 <= wait <= 5 for wait in asked.waits)


def write(puts: Any = (), deletes: Any = ()) -> BatchWrite:
    return BatchWrite(
        table="t",
        key_fields=("id",),
        puts=[item(value, n=1) for value in puts],
        deletes=[key(value) for value in deletes],
    )


def requests(call: Call) -> list[dict[str, Any]]:
    return call.body["RequestItems"]["t"]  # type: ignore[no-any-return]


class TestBatchWrite:
    def test_its_request(self) -> None:
        assert write(["a"], ["b"]).call() == Call(
            "BatchWriteItem",
            {
                "RequestItems": {
                    "t": [{"PutRequest": {"Item": item("a", n=1)}}, {"DeleteRequest": {"Key": key("b")}}]
                }
            },
            "t",
        )

    @pytest.mark.parametrize("count", [1, 25, 26, 60])
    def test_at_most_25_go_in_one_call(self, count: int, service: Callable[..., Any]) -> None:
        asked = service(*[{}] * 3)
        asked.run(write(range(count)))
        sizes = [len(requests(call)) for call in asked.sent]
        assert sizes == [25] * (count // 25) + [count % 25] * (count % 25 > 0)

    def test_nothing_sends_nothing(self, service: Callable[..., Any]) -> None:
        asked = service()
        asked.run(write())
        assert asked.sent == []

    def test_of_two_with_one_key_the_later_is_kept(self, service: Callable[..., Any]) -> None:
        asked = service({})
        asked.run(
            BatchWrite(
                table="t",
                key_fields=("id",),
                puts=[item("a", n=1), item("a", n=2), item("b"), item(1), item(Decimal("1.0"), n=3)],
                deletes=[key("b"), key("c"), key("c")],
            )
        )
        assert requests(asked.sent[0]) == [
            {"PutRequest": {"Item": item("a", n=2)}},
            {"DeleteRequest": {"Key": key("b")}},
            {"PutRequest": {"Item": item(Decimal("1.0"), n=3)}},
            {"DeleteRequest": {"Key": key("c")}},
        ]

    def test_leftovers_are_sent_again_after_a_wait_until_none_is_left(
        self, service: Callable[..., Any]
    ) -> None:
        def half(call: Call) -> dict[str, Any]:
            return {"UnprocessedItems": {"t": requests(call)[len(requests(call)) // 2 + 1 :]}}

        asked = service(*[half] * 4)
        asked.run(write(range(10)))
        assert [len(requests(call)) for call in asked.sent] == [10, 4, 1]
        assert len(asked.waits) == 2

    def test_waits_grow_while_nothing_goes_and_then_it_gives_up(
        self, service: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("random.random", lambda: 1.0)
        asked = service(*[lambda call: {"UnprocessedItems": {"t": requests(call)}}] * 20)
        with pytest.raises(ProvisionedThroughputExceededError, match="3 items of t were not written"):
            asked.run(write(range(3)))
        assert asked.waits[:3] == pytest.approx([0.1, 0.2, 0.4])
        assert asked.waits[-1] == 5.0

    def test_an_item_that_is_too_large_is_refused_before_any_is_sent(
        self, service: Callable[..., Any]
    ) -> None:
        asked = service({}, {})
        puts = [*(item(number) for number in range(30)), item("large", text="x" * 409_600)]
        with pytest.raises(ValidationError, match="409"):
            asked.run(BatchWrite(table="t", key_fields=("id",), puts=puts))
        assert asked.sent == []

    def test_sending_it_again_is_harmless(self) -> None:
        assert write(["a"]).call().repeatable
