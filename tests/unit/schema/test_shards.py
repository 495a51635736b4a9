"""Shards of an index key: what Meta may say of them, and where an item belongs."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Annotated, Any

import pytest
from pydantic import Field

from dynamodb_wrapper.exceptions import MetaError, ValidationError
from dynamodb_wrapper.models import DynamoDBModel
from dynamodb_wrapper.operations.tables import CreateTable
from dynamodb_wrapper.schema import GSI, BlindIndex, Encrypted, schema_of
from dynamodb_wrapper.schema.shards import LONGEST_SHARDED, ShardKey, Shards


def compiled(gsis: list[Any], **meta: Any) -> Any:
    class Job(DynamoDBModel):
        job_id: str
        queue: str
        state: str | None = None
        size: Decimal = Decimal(0)
        is_open: bool = True
        at: int = 0
        blob: bytes = b"b"

        class Meta:
            partition_key = "job_id"
            sort_key = "queue"

    for name, value in {"gsis": gsis, **meta}.items():
        setattr(Job.Meta, name, value)
    return schema_of(Job)


def test_a_sharded_index_has_a_key_of_its_own_in_the_table() -> None:
    schema = compiled([{"name": "ByState", "partition_key": "state", "sort_key": "at", "shards": 4}])
    index = schema.indexes["ByState"]
    assert (index.keys, index.stored_keys) == (("state", "at"), ("state#4", "at"))
    body = CreateTable(schema, "jobs").call().body
    assert body["GlobalSecondaryIndexes"][0]["KeySchema"][0] == {
        "AttributeName": "state#4",
        "KeyType": "HASH",
    }
    assert [each["AttributeName"] for each in body["AttributeDefinitions"]] == [
        "job_id",
        "queue",
        "at",
        "state#4",
    ]


@pytest.mark.parametrize(
    ("projection", "kind", "copied"),
    [
        (None, "ALL", None),
        ("KEYS_ONLY", "INCLUDE", ["state"]),
        (["size"], "INCLUDE", ["size", "state"]),
        (["state"], "INCLUDE", ["state"]),
    ],
)
def test_the_field_itself_is_in_its_index(projection: Any, kind: str, copied: Any) -> None:
    schema = compiled([GSI("ByState", "state", "at", projection, shards=4)])
    found = CreateTable(schema, "jobs").call().body["GlobalSecondaryIndexes"][0]["Projection"]
    assert (found["ProjectionType"], found.get("NonKeyAttributes")) == (kind, copied)


def test_a_key_of_the_table_is_in_the_index_anyway() -> None:
    schema = compiled([GSI("ByQueue", "queue", projection="KEYS_ONLY", shards=4)])
    found = CreateTable(schema, "jobs").call().body["GlobalSecondaryIndexes"][0]["Projection"]
    assert found == {"ProjectionType": "KEYS_ONLY"}


def test_items_are_stored_with_their_shard_and_read_without() -> None:
    schema = compiled([GSI("ByState", "state", "at", shards=4), GSI("Open", "is_open", shards=2)])
    job = schema.model(job_id="1", queue="q", state="new")
    item = schema.codec.encode(job)
    assert item["state"] == {"S": "new"}
    assert item["state#4"]["S"].startswith("new#")
    assert item["is_open"] == {"S": "true"}
    assert item["is_open#2"]["S"] in ("true#0", "true#1")
    assert schema.codec.decode(item) == job
    assert schema.model.from_dynamodb_item(job.to_dynamodb_item()) == job
    assert job.to_dynamodb_item()["state#4"] == item["state#4"]["S"]


def test_an_item_without_the_field_is_in_no_shard() -> None:
    schema = compiled([GSI("ByState", "state", "at", shards=4)])
    assert "state#4" not in schema.codec.encode(schema.model(job_id="1", queue="q"))


@pytest.mark.parametrize(("one", "other"), [("1", "1.0"), ("100", "1E+2"), ("0", "-0"), ("0.10", "1E-1")])
def test_one_number_has_one_key_however_it_is_written(one: str, other: str) -> None:
    shards = Shards("n", 3)
    assert shards.keys({"N": one}) == shards.keys({"N": other})
    how = ShardKey(shards, ("id",))
    assert how.render({"id": {"N": one}, "n": {"N": one}}) == how.render(
        {"id": {"N": other}, "n": {"N": other}}
    )


def test_numbers_of_38_digits_are_not_rounded_into_one_key() -> None:
    near = "1" * 37
    assert Shards("n", 2).keys({"N": near + "1"}) != Shards("n", 2).keys({"N": near + "2"})


def test_a_bool_has_one_key_in_either_stored_form() -> None:
    assert Shards("on", 2).keys({"BOOL": True}) == Shards("on", 2).keys({"S": "true"})


def test_the_shard_of_an_item_is_the_same_for_ever() -> None:
    how = ShardKey(Shards("state", 8), ("job_id", "queue"))
    item = {"job_id": {"S": "job-1"}, "queue": {"S": "mail"}, "state": {"S": "new"}}
    assert how.render(item) == {"S": "new#3"}
    assert how.shard_of({**item, "state": {"S": "done"}}) == 3


def test_parts_of_a_key_do_not_flow_into_each_other() -> None:
    how = ShardKey(Shards("state", 200), ("a", "b"))
    shards = {how.shard_of({"a": {"S": "x" * at}, "b": {"S": "x" * (20 - at)}}) for at in range(1, 20)}
    assert len(shards) > 10


@pytest.mark.parametrize("count", [2, 8, 25])
def test_each_shard_gets_a_fair_share_of_1000_keys(count: int) -> None:
    how = ShardKey(Shards("state", count), ("id",))
    for make in ("pipeline-{:04d}", "{}", "2026-01-01T00:{:04d}"):
        found = Counter(how.shard_of({"id": {"S": make.format(at)}}) for at in range(1000))
        fair = 1000 / count
        assert len(found) == count
        assert all(abs(share - fair) < 5 * fair**0.5 for share in found.values())


@pytest.mark.parametrize("value", ["x" * (LONGEST_SHARDED + 1), "é" * 1023, ""])
def test_a_value_that_leaves_no_room_for_the_shard_is_refused_with_its_field(value: str) -> None:
    schema = compiled([GSI("ByState", "state", shards=4)])
    with pytest.raises(ValidationError) as caught:
        schema.codec.encode(schema.model(job_id="1", queue="q", state=value))
    assert "state" in caught.value.errors


@pytest.mark.parametrize(
    ("gsi", "text"),
    [
        (GSI("ByState", "state", shards=1), "shards of ByState is 1: make it a whole number from 2 to 200"),
        (GSI("ByState", "state", shards=201), "from 2 to 200"),
        (GSI("ByState", "state", shards=True), "shards of ByState is True"),
        (GSI("ByState", "state", shards="8"), "shards of ByState is '8'"),  # type: ignore[arg-type]
        ({"name": "ByState", "partition_key": "state", "shards": 2.0}, "shards of ByState is 2.0"),
        (GSI("Both", ["state", "at"], shards=4), "several attributes, state, at"),
        (GSI("ById", "job_id", "at", shards=4), "job_id, which is the table's own partition key"),
        (GSI("ByBlob", "blob", shards=4), "blob, which holds bytes"),
        (GSI("ByState", "state", stored_as="Other"), "ByState has stored_as and no shards"),
        (GSI("ByState", "state", shards=4, stored_as="x"), "'x' is no index name"),
        (GSI("ByState", "state", shards=4, filling=1), "filling of ByState is 1"),  # type: ignore[arg-type]
    ],
)
def test_wrong_shards_are_one_clear_error(gsi: Any, text: str) -> None:
    with pytest.raises(MetaError) as caught:
        compiled([gsi])
    assert caught.value.message.startswith("Job.Meta: ")
    assert text in caught.value.message


def test_a_local_index_has_no_shards() -> None:
    with pytest.raises(MetaError, match="shards"):
        compiled([], lsis=[{"name": "ByAt", "sort_key": "at", "shards": 4}])


def test_the_attribute_of_the_shards_may_not_be_a_field() -> None:
    class Job(DynamoDBModel):
        job_id: str
        state: str
        other: str = Field(alias="state#4")

        class Meta:
            partition_key = "job_id"
            gsis = (GSI("ByState", "state", shards=4),)

    with pytest.raises(MetaError, match="needs an attribute 'state#4', which is a field"):
        schema_of(Job)


def test_a_key_that_a_template_makes_is_not_spread() -> None:
    with pytest.raises(MetaError, match="gsi1pk, which a template makes"):
        compiled([GSI("One", "gsi1pk", shards=4)], templates={"gsi1pk": "STATE#{state}"})


def test_a_blind_index_is_not_spread() -> None:
    class Person(DynamoDBModel):
        person_id: str
        email: Annotated[Encrypted[str], BlindIndex()]

        class Meta:
            partition_key = "person_id"
            gsis = (GSI("ByEmail", "email_bidx", shards=4),)

    with pytest.raises(MetaError, match="email_bidx, which holds bytes"):
        schema_of(Person)


def test_two_indexes_may_spread_one_field_alike() -> None:
    schema = compiled([GSI("ByState", "state", "at", shards=4), GSI("BySize", "state", "size", shards=4)])
    assert list(schema.made) == ["state#4"]


def test_two_indexes_do_not_have_one_name_in_the_table() -> None:
    with pytest.raises(MetaError, match="two indexes are named 'ByAt'"):
        compiled([GSI("ByAt", "at"), GSI("ByState", "state", shards=4, stored_as="ByAt")])
