from __future__ import annotations

from typing import Any, ClassVar

import pytest
from pydantic import BaseModel

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.expressions import Compare, Path
from dynamodb_wrapper.operations.steps import check_step, delete_step, put_step, update_step
from dynamodb_wrapper.schema import schema_of


class Doc(BaseModel):
    id: str
    email: str | None = None
    text: str = ""
    version: int = 0

    class Meta:
        table_name = "docs"
        partition_key = "id"
        version = "version"
        unique: ClassVar = ["email"]


SCHEMA: Any = schema_of(Doc)
READ = Doc(id="a", email="x", version=3)
KEY = {"id": {"S": "a"}}


def test_a_put_stores_the_next_version_if_the_one_that_was_read_is_stored() -> None:
    step = put_step(SCHEMA, "t", READ, Compare(Path(("text",)), "=", "y")).named("AAwriterxx")
    body = step.single().call().body
    assert body["ConditionExpression"] == "(#0 = :0 AND #1 = :1)"
    assert body["ExpressionAttributeValues"] == {":0": {"N": "3"}, ":1": {"S": "y"}}
    assert body["Item"]["version"] == {"N": "4"}
    assert body["Item"]["_writes"] == {"S": "3 AAwriterxx4"}
    assert step.single().call().repeatable
    assert step.action().body()["Put"]["Item"] == body["Item"]


def test_an_update_by_key_counts_up_and_by_item_assigns() -> None:
    by_key = update_step(SCHEMA, "t", "a", {"text": "y"}).single().call()
    assert by_key.body["UpdateExpression"] == "SET #0 = :0, #1 = if_not_exists(#1, :1) + :2"
    assert by_key.body["ConditionExpression"] == "attribute_exists(#2)"
    by_item = update_step(SCHEMA, "t", READ, {"text": "y"}).named("AAwriterxx").single().call()
    assert by_item.body["UpdateExpression"] == "SET #0 = :0, #1 = :1, #2 = :2"
    assert by_item.body["ConditionExpression"] == "(attribute_exists(#3) AND #1 = :3)"
    assert by_key.repeatable
    assert by_item.repeatable


@pytest.mark.parametrize(("changes", "claims"), [({"text": "y"}, False), ({"email": "y"}, True)])
def test_an_update_claims_only_what_it_changes(changes: dict[str, Any], claims: bool) -> None:
    assert update_step(SCHEMA, "t", "a", changes).claims is claims


def test_the_item_after_an_update_has_the_new_unique_values() -> None:
    before = {"id": {"S": "a"}, "email": {"S": "x"}}
    assert update_step(SCHEMA, "t", "a", {"email": "y"}).item_after(before) == before | {"email": {"S": "y"}}
    assert update_step(SCHEMA, "t", "a", {"email": None}).item_after(before) == KEY
    assert update_step(SCHEMA, "t", "a", {"email": None}).item_after(None) is None


def test_a_delete_and_a_check_of_an_item_ask_for_its_version() -> None:
    for step, kind in (
        (delete_step(SCHEMA, "t", READ), "Delete"),
        (check_step(SCHEMA, "t", READ), "ConditionCheck"),
    ):
        body = step.action().body()[kind]
        assert body["Key"] == KEY
        assert body["ConditionExpression"] == "#0 = :0"
    assert delete_step(SCHEMA, "t", "a").single().call().body == {
        "TableName": "t",
        "Key": KEY,
        "ReturnValues": "ALL_OLD",
    }


def test_a_check_needs_something_to_check() -> None:
    with pytest.raises(ValidationError, match="checks nothing"):
        check_step(SCHEMA, "t", "a")


def test_an_item_of_another_model_is_no_key() -> None:
    class Other(BaseModel):
        id: str

    with pytest.raises(ValidationError, match="Other is no Doc"):
        delete_step(SCHEMA, "t", Other(id="a"))


def test_the_version_cannot_be_changed_by_hand() -> None:
    with pytest.raises(ValidationError, match="counted up"):
        update_step(SCHEMA, "t", "a", {"version": 4})
