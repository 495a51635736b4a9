from __future__ import annotations

import pytest

from dynamodb_wrapper.operations.marks import mark, plain_number


@pytest.mark.parametrize("text", ["1", "1.0", "1E+0", "0.1E1", "01"])
def test_a_number_is_one_key_however_it_is_written(text: str) -> None:
    assert mark({"id": {"N": text}}) == mark({"id": {"N": "1"}})
    assert plain_number(text) == plain_number("1")


def test_different_keys_differ() -> None:
    keys = [
        {"id": {"N": "1"}},
        {"id": {"S": "1"}},
        {"id": {"N": "10"}},
        {"id": {"N": "-1"}},
        {"x": {"N": "1"}},
    ]
    assert len({mark(key) for key in keys}) == len(keys)


def test_the_order_of_the_parts_does_not_matter() -> None:
    assert mark({"a": {"S": "x"}, "b": {"N": "1"}}) == mark({"b": {"N": "1"}, "a": {"S": "x"}})


def test_38_digits_are_told_apart() -> None:
    digits = "1234567890123456789012345678901234567"
    assert plain_number(digits + "8") != plain_number(digits + "9")
