"""Places: equal for what is one item or one page, and different for everything else."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from dynamodb_wrapper.plugins.cache.places import item_place, query_place, table_name, variant_of

KEY = {"id": {"S": "a"}, "n": {"N": "10"}}


def test_an_item_has_one_place_however_its_key_is_written() -> None:
    others: list[dict[str, Any]] = [
        {"n": {"N": "10"}, "id": {"S": "a"}},
        {"id": {"S": "a"}, "n": {"N": "1E+1"}},
        {"id": {"S": "a"}, "n": {"N": "10.00"}},
        {"id": Raw(b'{"S":"a"}'), "n": Raw(b'{"N":"10.0"}')},
    ]
    assert {item_place("t", key) for key in others} == {item_place("t", KEY)}


def test_other_keys_types_and_tables_have_other_places() -> None:
    keys: list[dict[str, Any]] = [
        KEY,
        {"id": {"S": "a"}, "n": {"N": "11"}},
        {"id": {"S": "a"}, "n": {"S": "10"}},
        {"id": {"B": "YQ=="}, "n": {"N": "10"}},
        {"id": {"S": "a"}},
        {"id": {"S": "a"}, "n": {"N": "not a number"}},
    ]
    places = {item_place(table, key) for table in ("t", "tt") for key in keys}
    assert len({place.digest for place in places}) == 2 * len(keys)


@given(st.text(), st.text(), st.text(), st.text())
def test_two_places_are_one_only_for_one_table_and_key(
    table: str, key: str, other: str, another: str
) -> None:
    first, second = item_place(table, {"k": {"S": key}}), item_place(other, {"k": {"S": another}})
    assert (first.digest == second.digest) == ((table, key) == (other, another))


def test_a_place_shows_nothing_of_its_key() -> None:
    place = item_place("t", {"id": {"S": "a-secret-name"}})
    assert b"secret" not in place.digest
    assert len(place.digest) == 16


def test_a_page_has_the_place_of_its_whole_request_but_not_of_its_price() -> None:
    body = {"TableName": "t", "Limit": 5, "KeyConditionExpression": "id = :a"}
    place = query_place("Query", "t", body)
    assert place == query_place("Query", "t", body | {"ReturnConsumedCapacity": "TOTAL"})
    others = [body | {"Limit": 6}, body | {"ExclusiveStartKey": KEY}, body | {"IndexName": "i"}]
    others_places = {query_place("Query", "t", other) for other in others} | {query_place("Scan", "t", body)}
    assert len(others_places | {place}) == 5


def test_a_form_is_a_projection_and_a_schema_version() -> None:
    projected = {"ProjectionExpression": "#a", "ExpressionAttributeNames": {"#a": "id"}}
    renamed = {"ProjectionExpression": "#a", "ExpressionAttributeNames": {"#a": "n"}}
    forms = [variant_of(request, version) for request in ({}, projected, renamed) for version in ("", "2")]
    assert len(set(forms)) == 6
    assert variant_of({"Keys": [], "ConsistentRead": False}, "") == b""


def test_a_table_is_the_same_by_its_name_and_by_its_arn() -> None:
    assert (
        table_name("arn:aws:dynamodb:us-east-1:123456789012:table/orders") == table_name("orders") == "orders"
    )
