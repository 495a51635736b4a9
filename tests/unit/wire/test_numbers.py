from __future__ import annotations

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamodb_wrapper.wire.numbers import decimal_text, float_text, int_text, read_number
from dynamodb_wrapper.wire.refusal import Refused

LARGEST = Decimal("9.9999999999999999999999999999999999999E+125")
storable = st.builds(
    lambda coefficient, exponent: Decimal(f"{coefficient}E{exponent}"),
    st.integers(-(10**38) + 1, 10**38 - 1),
    st.integers(-130, 88),
).filter(lambda number: not number or number.adjusted() >= -130)


@given(storable)
def test_a_decimal_comes_back_as_the_same_number(number: Decimal) -> None:
    assert read_number(decimal_text(number)) == number


@given(st.integers(-(10**38) + 1, 10**38 - 1))
def test_an_int_comes_back_as_the_same_int(number: int) -> None:
    back = read_number(int_text(number))
    assert back == number
    assert isinstance(back, int)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_comes_back_as_the_very_same_float_or_is_refused(number: float) -> None:
    in_range = number == 0 or 1e-130 <= abs(number) < 1e126
    if in_range:
        assert float(float_text(number)) == number
    else:
        with pytest.raises(Refused, match="38 significant digits"):
            float_text(number)


@pytest.mark.parametrize(
    "number", [LARGEST, LARGEST.copy_negate(), Decimal("1E-130"), Decimal("-1.5E-130"), Decimal("0E-500")]
)
def test_the_ends_of_the_range_are_storable(number: Decimal) -> None:
    assert Decimal(decimal_text(number)) == number


@pytest.mark.parametrize(
    "number", [Decimal("1E+126"), Decimal("9.9E-131"), Decimal(10**38 + 1), Decimal("0." + "3" * 39)]
)
def test_a_decimal_beyond_the_range_is_refused_and_not_rounded(number: Decimal) -> None:
    with pytest.raises(Refused, match="cannot be stored exactly"):
        decimal_text(number)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_refused(number: float) -> None:
    with pytest.raises(Refused, match="no DynamoDB number"):
        float_text(number)
    with pytest.raises(Refused, match="DynamoDB number"):
        decimal_text(Decimal(number))
    with pytest.raises(Refused):
        decimal_text(Decimal("sNaN"))


def test_an_int_is_judged_by_its_significant_digits() -> None:
    assert Decimal(int_text(10**125)) == 10**125
    for too_large in (10**38 + 1, 10**126, -(10**5000)):
        with pytest.raises(Refused):
            int_text(too_large)


@pytest.mark.parametrize("text", ["1" + "0" * 60, "1E+100", "-0.00000001", "9" * 38, LARGEST.to_eng_string()])
def test_numbers_that_boto3_cannot_read_are_read(text: str) -> None:
    assert read_number(text) == Decimal(text)
