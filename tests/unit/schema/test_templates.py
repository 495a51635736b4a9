from __future__ import annotations

import enum
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, NoReturn
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamodb_wrapper.schema.templates import Template, common, may_be_equal, template_of
from dynamodb_wrapper.wire.refusal import Refused
from dynamodb_wrapper.wire.values import encode_item


class Color(enum.StrEnum):
    RED = "red"


FIELDS: dict[str, Any] = {
    "name": str,
    "other": str,
    "color": Color,
    "number": int,
    "price": Decimal,
    "at": datetime,
    "day": date,
    "id": UUID,
    "flag": bool,
    "maybe": str | None,
    "tags": list[str],
    "blob": bytes,
}


def fail(why: str) -> NoReturn:
    raise ValueError(why)


def made(text: object, *, primary: bool = False) -> Template:
    return template_of("sk", text, FIELDS, fail, primary=primary)


@pytest.mark.parametrize(
    ("text", "values", "key"),
    [
        ("PROFILE", {}, "PROFILE"),
        ("A#{name}", {"name": "x"}, "A#x"),
        ("{name}", {"name": "a#b"}, "a#b"),
        ("{color}|{flag}", {"color": "red", "flag": True}, "red|true"),
        ("N{number:05d}", {"number": 42}, "N00042"),
        ("N{number:d}", {"number": -42}, "N-42"),
        ("{price:09.2f}#{name}", {"price": Decimal("1.5"), "name": "x"}, "000001.50#x"),
        ("{price:05.1f}", {"price": Decimal("-0.0")}, "000.0"),
        ("{at}", {"at": datetime(2026, 1, 2, tzinfo=UTC)}, "2026-01-02T00:00:00.000000+00:00"),
        ("{day}{name}", {"day": "2026-01-02", "name": "x"}, "2026-01-02x"),
        ("U-{id}", {"id": str(UUID(int=1))}, f"U-{UUID(int=1)}"),
        ("{{{name}}}", {"name": "x"}, "{x}"),
        ("{maybe}", {}, None),
        ("{maybe}", {"maybe": None}, None),
    ],
)
def test_a_key_is_made_of_values(text: str, values: dict[str, Any], key: str | None) -> None:
    rendered = made(text).render(encode_item(values))
    assert rendered == (None if key is None else {"S": key})


@pytest.mark.parametrize(
    ("text", "values", "why"),
    [
        ("A#{name}", {"name": "a#b"}, "must not contain '#'"),
        ("{name}-{other}", {"name": "a", "other": "a-b"}, "must not contain '-'"),
        ("{number:03d}", {"number": 1000}, "too large: the 3 characters in its key hold at most 999$"),
        ("{number:03d}", {"number": -1}, "-1 is negative"),
        ("{price:06.2f}", {"price": 1000}, "hold at most 999.99$"),
        ("A#{name}", {"name": ""}, "an empty text cannot stand in the key sk"),
        ("{maybe}", {"maybe": ""}, "an empty text cannot stand in the key sk"),
        ("{price:06.2f}", {"price": Decimal("1.234")}, "more than the 2 decimals"),
        ("{number:d}", {"number": Decimal("1.5")}, "more than the 0 decimals"),
        ("{number:d}", {"number": "x"}, "a number is needed"),
        ("{name}", {"name": b"x"}, "only text"),
    ],
)
def test_a_value_that_cannot_stand_in_a_key_is_refused(text: str, values: dict[str, Any], why: str) -> None:
    with pytest.raises(Refused, match=why) as caught:
        made(text).render(encode_item(values))
    assert caught.value.path() in values


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (3, "write it as text"),
        ("", "write it as text"),
        ("A#{name", "cannot be read"),
        ("A#{missing}", "names 'missing', which is no field"),
        ("A#{name!r}", "which is no field"),
        ("{name}{other}", "nothing separates name from other"),
        ("{name}X{other}", "'X' behind name could be a part of it"),
        ("{number:d}-{name}", "'-' behind number could be a part of it"),
        ("{name}#{name}", "names name twice"),
        ("{number}", r"say how it is written: \{number:010d\}"),
        ("{number:5d}", "say how it is written"),
        ("{price:d}", "say how it is written"),
        ("{price:.2f}", "say how it is written"),
        ("{name:>5}", "cannot be written so"),
        ("{tags}", "cannot be written so"),
        ("{blob}", "cannot be written so"),
    ],
)
def test_a_template_that_cannot_work_is_refused(text: object, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        made(text)


def test_an_optional_field_makes_an_index_sparse_and_is_refused_in_the_tables_key() -> None:
    assert made("A#{maybe}").render({}) is None
    with pytest.raises(ValueError, match="maybe, which may be None, but every item needs this key"):
        made("A#{maybe}", primary=True)


@given(one=st.integers(0, 99_999), other=st.integers(0, 99_999))
def test_numbers_sort_as_their_keys_do(one: int, other: int) -> None:
    template = made("A#{number:05d}#{name}")
    keys = [template.render(encode_item({"number": number, "name": "x"})) for number in (one, other)]
    assert (str(keys[0]) < str(keys[1])) is (one < other)


NAMES = st.text(st.characters(exclude_characters="#", exclude_categories=["Cs"]), min_size=1, max_size=3)


@given(one=st.tuples(NAMES, NAMES), other=st.tuples(NAMES, NAMES))
def test_different_values_have_different_keys(one: tuple[str, str], other: tuple[str, str]) -> None:
    template = made("{name}#{other}")
    keys = [template.render(encode_item({"name": a, "other": b})) for a, b in (one, other)]
    assert (keys[0] == keys[1]) is (one == other)


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ("A#{name}", "A#{other}", True),
        ("A#{name}", "B#{name}", False),
        ("PROFILE", "A#{name}", False),
        ("PROFILE", "{name}", True),
        ("A#{name}", "A#{name}#B#{other}", False),
        ("A#{number:05d}", "A#X", False),
        ("A#{number:05d}", "A#1", True),
        ("A#{at}", "A#{at}#X", False),
        ("{name}", "{other}", True),
        ("A#", "A#{name}", True),
    ],
)
def test_templates_that_may_give_one_key_are_told(one: str, other: str, equal: bool) -> None:
    assert may_be_equal(made(one), made(other)) is equal
    assert may_be_equal(made(other), made(one)) is equal


@pytest.mark.parametrize(
    ("texts", "shared", "is_prefix"),
    [
        (["A#{name}", "A#{name}"], "A#{name}", False),
        (["A#{name}", "A#{name}#B"], "A#{name}", True),
        (["A#{name}", "A#{other}"], "A#", True),
        (["ORDER", "OTHER"], "O", True),
        (["ORDER", "OR"], "OR", True),
        (["A#{number:05d}", "A#{number:06d}"], "A#", True),
    ],
)
def test_what_templates_have_in_common(texts: list[str], shared: str, is_prefix: bool) -> None:
    found = common([made(text) for text in texts])
    assert found is not None
    assert (str(found), found.is_prefix) == (shared, is_prefix)


def test_templates_may_have_nothing_in_common() -> None:
    assert common([made("A"), made("B")]) is None
    assert common([made("A"), made("{name}")]) is None
