from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from pydantic import Field

from dynamodb_wrapper import DynamoDBModel, PipelineConfig, ValidationError
from dynamodb_wrapper.expressions import Assign, Path, Remove
from dynamodb_wrapper.expressions.params import Wire
from dynamodb_wrapper.repositories.normalising import changes_to_normal
from dynamodb_wrapper.schema import schema_of
from dynamodb_wrapper.timezones import utcnow


class Order(DynamoDBModel):
    class Meta:
        table_name = "orders"
        partition_key = "number"
        gsis = ({"name": "Open", "partition_key": "open", "sort_key": "at"},)

    number: str
    open: bool = True
    at: datetime = Field(default_factory=utcnow)
    paid: bool = False
    amount: Decimal = Decimal(0)
    labels: set[str] = Field(default_factory=set)
    lines: list[dict[str, Any]] = Field(default_factory=list)
    remark: str | None = None


MOMENT = {"S": "2026-01-31T12:00:00.000000+00:00"}
NORMAL: dict[str, Any] = {
    "number": {"S": "1"},
    "open": {"S": "true"},
    "at": MOMENT,
    "paid": {"BOOL": False},
    "amount": {"N": "1.5"},
    "labels": {"SS": ["a", "b"]},
    "lines": {"L": [{"M": {"n": {"N": "1"}}}]},
}


@pytest.mark.parametrize(
    "same",
    [
        {},
        {"amount": {"N": "1.50"}},
        {"labels": {"SS": ["b", "a"]}},
        {"lines": {"L": [{"M": {"n": {"N": "1.0"}}}]}},
        {"unknown": {"S": "true"}},
        {"remark": {"S": "true"}},
    ],
)
def test_what_the_service_takes_for_the_same_is_left_alone(same: dict[str, Any]) -> None:
    assert changes_to_normal(schema_of(Order), NORMAL | same) == {}


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("at", {"S": "2026-01-31T12:00:00Z"}, MOMENT),
        ("at", {"S": "2026-01-31T13:00:00+01:00"}, MOMENT),
        ("paid", {"S": "false"}, {"BOOL": False}),
        ("paid", {"N": "0"}, {"BOOL": False}),
        ("amount", {"S": "1.5"}, {"N": "1.5"}),
    ],
)
def test_what_is_stored_in_another_form_is_assigned(name: str, old: Any, new: Any) -> None:
    assert changes_to_normal(schema_of(Order), NORMAL | {name: old}) == {
        name: Assign(Path((name,)), Wire(new))
    }


def test_a_null_that_reading_restores_is_taken_away() -> None:
    changes = changes_to_normal(schema_of(Order), NORMAL | {"remark": {"NULL": True}})
    assert changes == {"remark": Remove(Path(("remark",)))}


def test_a_missing_key_of_an_index_gets_its_fixed_default_and_nothing_else_is_made_up() -> None:
    changes = changes_to_normal(schema_of(Order), {"number": {"S": "1"}})
    assert changes == {"open": Assign(Path(("open",)), Wire({"S": "true"}))}


def test_an_item_that_does_not_fit_its_model_is_an_error() -> None:
    with pytest.raises(ValidationError):
        changes_to_normal(schema_of(Order), NORMAL | {"paid": {"S": "perhaps"}})


def test_what_is_written_today_is_normal() -> None:
    schema = schema_of(PipelineConfig)
    now = datetime.now(UTC)
    item = PipelineConfig(
        pipeline_id="p", pipeline_name="n", source_type="s3", destination_type="api", created_at=now
    )
    assert changes_to_normal(schema, schema.codec.encode(item)) == {}
