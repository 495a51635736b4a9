from __future__ import annotations

import pytest

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.plugins.resilience.settings import check_positive


def test_numbers_above_zero_and_none_are_taken() -> None:
    check_positive("Limit", read_units=0.5, write_units=None, calls=1)


@pytest.mark.parametrize("value", [0, -1, True, "5", float("nan")])
def test_anything_else_is_refused_by_its_name(value: object) -> None:
    with pytest.raises(ValidationError, match=r"Limit is not valid: units: is .*; give a number above 0"):
        check_positive("Limit", units=value)  # type: ignore[arg-type]
