from __future__ import annotations

from typing import Any

import pytest

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.expressions import Params
from dynamodb_wrapper.expressions.params import Wire


def test_each_name_has_one_placeholder_and_each_value_its_own() -> None:
    params = Params()
    assert [params.name("status"), params.name("size"), params.name("status")] == ["#0", "#1", "#0"]
    assert [params.value("status", 1), params.value("status", 1)] == [":0", ":1"]
    assert params.into({"TableName": "t"}) == {
        "TableName": "t",
        "ExpressionAttributeNames": {"#0": "status", "#1": "size"},
        "ExpressionAttributeValues": {":0": {"N": "1"}, ":1": {"N": "1"}},
    }


def test_nothing_collected_leaves_a_request_as_it_is() -> None:
    assert Params().into({"TableName": "t"}) == {"TableName": "t"}


def test_a_whole_attribute_is_encoded_as_its_model_says_and_a_part_plainly() -> None:
    def encode(attribute: str, value: object) -> dict[str, Any]:
        return {"S": f"{attribute}={value}"}

    params = Params(encode)
    params.value("active", True)
    params.plain_value(True, "active[0]")
    params.wire_value({"S": "as it is"})
    params.value("active", Wire({"B": "AQ=="}))
    assert params.into({})["ExpressionAttributeValues"] == {
        ":0": {"S": "active=True"},
        ":1": {"BOOL": True},
        ":2": {"S": "as it is"},
        ":3": {"B": "AQ=="},
    }


def test_a_value_that_cannot_be_stored_names_its_place() -> None:
    with pytest.raises(ValidationError) as caught:
        Params().value("price", float("nan"))
    assert list(caught.value.errors) == ["price"]
    with pytest.raises(ValidationError) as caught:
        Params().plain_value(object(), "prices[3]")
    assert list(caught.value.errors) == ["prices[3]"]
