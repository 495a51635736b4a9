from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from boto3.dynamodb.conditions import Attr, Key

from dynamodb_wrapper.core.shapes import (
    decode_response,
    encode_request,
    projected_paths,
    refuse_other_zones,
)
from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.expressions import Compare, Path


def test_items_keys_and_values_become_attribute_values() -> None:
    body = encode_request(
        "PutItem",
        {
            "TableName": "t",
            "Item": {"id": "a", "n": Decimal("1.5"), "b": b"x"},
            "ConditionExpression": "n < :n",
            "ExpressionAttributeValues": {":n": 2},
        },
    )
    assert body == {
        "TableName": "t",
        "Item": {"id": {"S": "a"}, "n": {"N": "1.5"}, "b": {"B": "eA=="}},
        "ConditionExpression": "n < :n",
        "ExpressionAttributeValues": {":n": {"N": "2"}},
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def test_a_condition_object_joins_the_names_and_values_that_were_given() -> None:
    body = encode_request(
        "Query",
        {
            "KeyConditionExpression": Key("id").eq("a"),
            "FilterExpression": "#s = :s",
            "ExpressionAttributeNames": {"#s": "size"},
            "ExpressionAttributeValues": {":s": 1},
        },
    )
    names, values = body["ExpressionAttributeNames"], body["ExpressionAttributeValues"]
    assert names.pop("#s") == "size"
    assert values.pop(":s") == {"N": "1"}
    ((name, attribute),) = names.items()
    ((value, encoded),) = values.items()
    assert body["KeyConditionExpression"] == f"{name} = {value}"
    assert (attribute, encoded) == ("id", {"S": "a"})


def test_a_boolean_in_a_condition_is_one_and_not_also_the_text_that_keys_have() -> None:
    body = encode_request("Scan", {"FilterExpression": Attr("active").eq(True)})
    assert list(body["ExpressionAttributeValues"].values()) == [{"BOOL": True}]


def test_the_placeholders_made_here_differ_from_those_that_boto3_would_make() -> None:
    body = encode_request("Scan", {"FilterExpression": Attr("a").eq(1) & Attr("b").eq(2)})
    made = {*body["ExpressionAttributeNames"], *body["ExpressionAttributeValues"]}
    assert len(made) == 4
    assert made.isdisjoint({"#n0", "#n1", ":v0", ":v1", "#0", "#1", ":0", ":1"})


def test_who_says_what_a_failed_condition_returns_is_obeyed() -> None:
    body = encode_request(
        "DeleteItem",
        {
            "Key": {"id": "a"},
            "ConditionExpression": "attribute_exists(id)",
            "ReturnValuesOnConditionCheckFailure": "NONE",
        },
    )
    assert body["ReturnValuesOnConditionCheckFailure"] == "NONE"


def test_a_request_without_condition_asks_for_no_item() -> None:
    assert encode_request("PutItem", {"Item": {"id": "a"}}) == {"Item": {"id": {"S": "a"}}}


def test_members_that_are_none_are_left_out() -> None:
    assert encode_request("Scan", {"ExclusiveStartKey": None, "FilterExpression": None, "Limit": 1}) == {
        "Limit": 1
    }


def test_actions_of_a_transaction_are_encoded_each_for_itself() -> None:
    body = encode_request(
        "TransactWriteItems",
        {
            "TransactItems": [
                {"Put": {"Item": {"id": "a"}, "ConditionExpression": Attr("id").not_exists()}},
                {"Delete": {"Key": {"id": "b"}, "ConditionExpression": Compare(Path(("n",)), "=", 1)}},
            ]
        },
    )
    put, delete = (next(iter(action.values())) for action in body["TransactItems"])
    assert put["Item"] == {"id": {"S": "a"}}
    assert list(put["ExpressionAttributeNames"].values()) == ["id"]
    assert list(delete["ExpressionAttributeValues"].values()) == [{"N": "1"}]
    assert put["ReturnValuesOnConditionCheckFailure"] == "ALL_OLD"


def test_legacy_members_are_encoded() -> None:
    body = encode_request(
        "Query",
        {"KeyConditions": {"id": {"AttributeValueList": ["a"], "ComparisonOperator": "EQ"}}},
    )
    assert body["KeyConditions"] == {"id": {"AttributeValueList": [{"S": "a"}], "ComparisonOperator": "EQ"}}


@pytest.mark.parametrize(
    ("action", "request_"),
    [
        ("GetItem", {"Key": "a"}),
        ("GetItem", {"Key": 7}),
        ("PutItem", {"Item": ["a"]}),
        ("TransactWriteItems", {"TransactItems": ["Put"]}),
        ("Scan", {"FilterExpression": 7}),
    ],
)
def test_a_wrong_shape_is_a_validation_error(action: str, request_: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        encode_request(action, request_)


def test_replies_become_python_values_wherever_items_stand() -> None:
    item, plain = {"id": {"S": "a"}, "n": {"NS": ["1", "2.5"]}}, {"id": "a", "n": {1, Decimal("2.5")}}
    response = decode_response(
        {
            "Item": item,
            "Items": [item],
            "Attributes": item,
            "LastEvaluatedKey": {"id": {"S": "a"}},
            "ConsumedCapacity": {"TableName": "t", "CapacityUnits": 0.5},
            "Count": 1,
        }
    )
    assert response.pop("ResponseMetadata") == {"HTTPStatusCode": 200}
    assert response == {
        "Item": plain,
        "Items": [plain],
        "Attributes": plain,
        "LastEvaluatedKey": {"id": "a"},
        "ConsumedCapacity": {"TableName": "t", "CapacityUnits": 0.5},
        "Count": 1,
    }


def test_the_slot_of_a_missing_item_is_empty() -> None:
    item = {"id": {"S": "a"}}
    assert decode_response({"Responses": [{"Item": item}, {}]})["Responses"] == [{"Item": {"id": "a"}}, {}]


def test_the_metrics_of_item_collections_name_their_key_in_python_values() -> None:
    wire = {"ItemCollectionKey": {"id": {"S": "a"}}, "SizeEstimateRangeGB": [0.0, 1.0]}
    plain = {"ItemCollectionKey": {"id": "a"}, "SizeEstimateRangeGB": [0.0, 1.0]}
    assert decode_response({"ItemCollectionMetrics": wire})["ItemCollectionMetrics"] == plain
    assert decode_response({"ItemCollectionMetrics": {"t": [wire]}})["ItemCollectionMetrics"] == {
        "t": [plain]
    }


def test_a_projection_expression_is_read_with_its_names() -> None:
    paths = projected_paths("#m.a[0], x ,#dot", {"#m": "map", "#dot": "a.b"})
    assert paths == (Path(("map", "a", 0)), Path(("x",)), Path(("a.b",)))


def test_a_projection_expression_that_is_none_is_refused() -> None:
    with pytest.raises(ValidationError, match="path"):
        projected_paths("a,,b", {})


def test_a_datetime_in_utc_passes_under_any_name_of_the_zone() -> None:
    there = timezone(timedelta(0), "Reykjavik")
    refuse_other_zones({"a": [datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=there)]}, "x")


@pytest.mark.parametrize(
    "moment", [datetime(2024, 1, 1), datetime(2024, 1, 1, tzinfo=timezone(timedelta(hours=1)))]
)
@pytest.mark.parametrize("wrap", [lambda m: m, lambda m: [1, m], lambda m: {"b": (m,)}, lambda m: {m}])
def test_any_other_datetime_is_refused_with_its_place(moment: datetime, wrap: Any) -> None:
    with pytest.raises(ValidationError, match=r"^Item\.a.*to_utc"):
        refuse_other_zones({"a": wrap(moment)}, "Item")
