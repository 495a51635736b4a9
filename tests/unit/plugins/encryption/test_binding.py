"""What a ciphertext belongs to, and blind indexes: known answers, and other bytes for other places."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.ciphertexts import blind_index

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.plugins.encryption.binding import (
    associated_data,
    blind_bytes,
    blind_key,
    content_bytes,
    joined,
)

VECTORS = json.loads((Path(__file__).parent / "vectors.json").read_text())


@pytest.mark.parametrize("vector", VECTORS["blind_indexes"], ids=lambda vector: vector["name"])
def test_a_blind_index_is_as_known_and_as_an_independent_way_makes_it(vector: dict[str, Any]) -> None:
    key = blind_key(bytes.fromhex(vector["root_key"]), vector["table"], vector["attribute"])
    made = blind_bytes(key, vector["attribute"], vector["value"])
    assert made is not None
    assert made.hex() == vector["blind_index"] == blind_index(vector).hex()


def test_associated_data_is_as_known() -> None:
    key = {"patient": {"N": "105.0"}, "day": {"B": "AP8Q"}, "more": {"S": "x"}}
    vector = VECTORS["ciphertexts"][2]
    assert associated_data("visits", ("patient", "day"), key, "notes").hex() == vector["associated_data"]


PARTS = st.lists(st.binary(max_size=6), max_size=5)


@given(PARTS, PARTS)
def test_different_parts_never_join_to_the_same_bytes(one: list[bytes], other: list[bytes]) -> None:
    assert (joined(*one) == joined(*other)) == (one == other)


def test_every_part_of_a_place_makes_a_difference() -> None:
    places = [
        ("t", ("a",), {"a": {"S": "1"}}, "x"),
        ("u", ("a",), {"a": {"S": "1"}}, "x"),
        ("t", ("a",), {"a": {"S": "1"}}, "y"),
        ("t", ("a",), {"a": {"N": "1"}}, "x"),
        ("t", ("a",), {"a": {"S": "2"}}, "x"),
        ("t", ("b",), {"b": {"S": "1"}}, "x"),
        ("t", ("a", "b"), {"a": {"S": "1"}, "b": {"S": ""}}, "x"),
        ("t", ("b", "a"), {"a": {"S": "1"}, "b": {"S": ""}}, "x"),
    ]
    assert len({associated_data(*place) for place in places}) == len(places)


def test_a_number_is_the_same_however_it_is_written() -> None:
    assert content_bytes("N", "10") == content_bytes("N", "1E1") == content_bytes("N", "10.00")
    assert content_bytes("N", "10") != content_bytes("N", "1")


def test_a_blind_index_differs_by_table_attribute_and_type() -> None:
    keys = {blind_key(bytes(32), *place) for place in (("t", "a"), ("t", "b"), ("u", "a"), ("ta", ""))}
    assert len(keys) == 4
    key = keys.pop()
    values: list[dict[str, Any]] = [{"S": "1"}, {"N": "1"}, {"B": "MQ=="}, {"S": "true"}, {"BOOL": True}]
    assert len({blind_bytes(key, "a", value) for value in values}) == 5


def test_null_has_no_blind_index_and_a_list_cannot_have_one() -> None:
    assert blind_bytes(bytes(32), "a", {"NULL": True}) is None
    with pytest.raises(ValidationError, match="only text, numbers, bytes and booleans"):
        blind_bytes(bytes(32), "a", {"L": []})
