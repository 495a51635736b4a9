"""The steps of a query: each gives a new one, and says at once what is wrong."""

from __future__ import annotations

from typing import Any

import pytest
from boto3.dynamodb.conditions import Attr

from dynamodb_wrapper import DynamoDB, DynamoDBConfig
from dynamodb_wrapper.exceptions import MetaError, ValidationError
from dynamodb_wrapper.models import DynamoDBModel, View
from dynamodb_wrapper.query.pages import DEFAULT_SIZE


class Car(DynamoDBModel):
    plate: str
    seats: int = 4

    class Meta:
        table_name = "cars"
        partition_key = "plate"


class Short(View):
    plate: str


@pytest.fixture
def query() -> Any:
    return DynamoDB(DynamoDBConfig(region_name="us-east-1"), transport=lambda *_: b"{}").query(Car)


def test_every_step_gives_a_new_query(query: Any) -> None:
    start = query.where("plate", "=", "a")
    before = start.explain()
    steps = [
        start.where("seats", ">", 2),
        start.where(Attr("seats").gt(2), Attr("seats").lt(9)),
        start.select("plate"),
        start.as_(Short),
        start.consistent(),
    ]
    assert all(step is not start and step.explain() != before for step in steps)
    assert start.explain() == before
    assert type(start.order().limit(3).paginate().allow_scan()) is type(start)


@pytest.mark.parametrize("size", [0, -1, True, "3", 2.0, None])
def test_sizes_are_whole_numbers_from_one_on(query: Any, size: Any) -> None:
    with pytest.raises(ValidationError, match="limit is"):
        query.limit(size)
    with pytest.raises(ValidationError, match="size is"):
        query.paginate(size)
    assert DEFAULT_SIZE == 100


@pytest.mark.parametrize("condition", [True, False, 3, None])
def test_what_is_no_condition_is_refused_at_once(query: Any, condition: Any) -> None:
    with pytest.raises(ValidationError, match="a condition was expected"):
        query.where(condition)


def test_unknown_names_are_refused_at_once(query: Any) -> None:
    with pytest.raises(ValidationError, match="no attribute 'seets'"):
        query.where("seets", "=", 1)
    with pytest.raises(ValidationError, match="no index 'ByColour'"):
        query.index("ByColour")
    with pytest.raises(ValidationError, match="select names colour"):
        query.select("colour")


def test_a_field_of_another_model_is_refused_unless_boto3_asks_for_it(query: Any) -> None:
    class Boat(DynamoDBModel):
        name: str
        length: int = 3

    with pytest.raises(ValidationError, match=r"Car has no attribute 'length'.*Attr\('length'\)"):
        query.where(Car.seats == 1, (Boat.length > 2) | (Car.plate == "a"))
    assert "length > 2" in str(query.where(Attr("length").gt(2)).allow_scan().explain())


def test_an_order_is_true_or_false(query: Any) -> None:
    with pytest.raises(ValidationError, match=r"order is .desc.: give True for asc"):
        query.order("desc")


def test_only_views_are_what_items_can_be_read_into(query: Any) -> None:
    for given in (dict, Car):
        with pytest.raises(MetaError, match="View"):
            query.as_(given).explain()
    with pytest.raises(MetaError, match="give the class"):
        DynamoDB(DynamoDBConfig(region_name="us-east-1"), transport=lambda *_: b"{}").query(Car(plate="a"))  # type: ignore[call-overload]


def test_a_value_of_the_wrong_type_is_refused_before_anything_is_sent(query: Any) -> None:
    with pytest.raises(ValidationError, match="seats"):
        query.where("plate", "=", "a").where("seats", "<", "many").all()


def test_a_model_without_meta_cannot_be_queried() -> None:
    client = DynamoDB(DynamoDBConfig(region_name="us-east-1"), transport=lambda *_: b"{}")
    with pytest.raises(MetaError):
        client.query(Short).all()


def test_scans_may_be_allowed_by_the_config_and_forbidden_by_the_query() -> None:
    config = DynamoDBConfig(region_name="us-east-1", allow_scan=True)
    query = DynamoDB(config, transport=lambda *_: b"{}").query(Car).where(Car.seats > 3)
    assert query.explain().operation == "scan"
    with pytest.raises(ValidationError, match="allow_scan"):
        query.allow_scan(False).explain()
