"""Costs: the service's arithmetic for guesses, and what replies tell."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec
import pytest

from dynamodb_wrapper import DynamoDB, DynamoDBConfig
from dynamodb_wrapper.models import DynamoDBModel
from dynamodb_wrapper.query.cost import Assumptions, Cost, Estimate
from dynamodb_wrapper.schema import GSI


class Part(DynamoDBModel):
    maker: str
    number: int
    kind: str = "x"

    class Meta:
        table_name = "parts"
        partition_key = "maker"
        sort_key = "number"
        gsis: ClassVar = [GSI("ByKind", "kind", "number", "KEYS_ONLY")]


def query(answer: dict[str, Any] | None = None) -> Any:
    def reply(call: Any, deadline: float) -> bytes:
        assert call.body["ReturnConsumedCapacity"] == "TOTAL"
        return msgspec.json.encode(answer)

    return DynamoDB(DynamoDBConfig(region_name="us-east-1"), transport=reply).query(Part)


FEW = Assumptions(item_bytes=3000, entry_bytes=100, items_per_key=12, items_in_table=100)


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (
            {"where": ("maker", "=", "a")},
            Estimate(12, 1, 4.5),
        ),  # 9 units of 4 KB, at half price
        ({"where": ("maker", "=", "a"), "consistent": ()}, Estimate(12, 1, 9.0)),
        ({"where": ("maker", "in", ["a", "b"])}, Estimate(24, 2, 9.0)),
        ({"where": ("maker", "=", "a"), "limit": (2,)}, Estimate(2, 1, 1.0)),
        ({"where": ("kind", "=", "x")}, Estimate(12, 2, 6.5)),  # 1 unit of entries, 12 items of 1 unit
        ({"where": ("kind", "=", "x"), "select": ("maker",)}, Estimate(12, 1, 0.5)),
        ({"allow_scan": ()}, Estimate(100, 1, 37.0)),
    ],
)
def test_estimates(steps: dict[str, Any], expected: Estimate) -> None:
    asked = query()
    for step, arguments in steps.items():
        asked = getattr(asked, step)(*arguments)
    assert asked.explain(FEW).estimate == expected


def test_keys_are_rounded_up_one_by_one() -> None:
    asked = query().where("maker", "=", "a").where("number", "in", list(range(150)))
    assert asked.explain(Assumptions(item_bytes=5000)).estimate == Estimate(150, 2, 150.0)


def test_large_tables_are_read_in_pages_of_a_megabyte() -> None:
    guess = query().allow_scan().explain(Assumptions(item_bytes=1024, items_in_table=10_000)).estimate
    assert (guess.requests, guess.read_units) == (10, 1250.0)


@pytest.mark.parametrize(
    ("told", "units"),
    [
        ({"TableName": "parts", "CapacityUnits": 2.5}, 2.5),
        (None, None),
    ],
)
def test_what_the_service_tells_is_kept(told: Any, units: float | None) -> None:
    answer = {"Items": [], "Count": 0, "ScannedCount": 7, "ConsumedCapacity": told}
    asked = query(answer).where("maker", "=", "a")
    asked.all()
    assert asked.last_cost == Cost(1, 7, units)
    asked.execute()
    assert asked.last_cost == Cost(1, 7, units)


def test_a_batch_tells_for_each_table() -> None:
    told = [{"TableName": "parts", "CapacityUnits": 1.0}, {"TableName": "parts", "CapacityUnits": 0.5}]
    asked = query({"Responses": {}, "ConsumedCapacity": told})
    batch = asked.where("maker", "=", "a").where("number", "in", [1, 2])
    batch.all()
    assert (asked.last_cost, batch.last_cost) == (Cost(), Cost(1, 0, 1.5))


def test_costs_add_up() -> None:
    assert Cost(1, 5, None) + Cost(1, 2, 0.5) == Cost(2, 7, 0.5)
    assert Cost() + Cost(1) == Cost(1)
