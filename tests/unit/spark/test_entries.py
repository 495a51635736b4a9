from __future__ import annotations

import pytest
from tests.support.spark_tables import table

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.spark.entries import Wrong


def test_nothing_wrong_is_not_refused() -> None:
    wrong = Wrong(table(), "read_options")
    wrong.unknown({"a": 1}, ("a", "b"))
    assert wrong.mapping({"a": 1}, "x", "names") == {"a": 1}
    assert wrong.mapping(None, "x", "names") == {}
    wrong.refuse()


def test_names_that_mean_another_are_told_with_it_and_with_all_that_there_are() -> None:
    wrong = Wrong(table(), "data_quality_checks", {"sql": "expression"})
    wrong.unknown({"SQL": "a > 0", "nmae": "x"}, ("name", "expression"), "0.")
    with pytest.raises(ValidationError) as refused:
        wrong.refuse()
    assert refused.value.errors == {
        "data_quality_checks.0.SQL": [
            "there is no such entry, only name, expression; did you mean 'expression'?"
        ],
        "data_quality_checks.0.nmae": ["there is no such entry, only name, expression; did you mean 'name'?"],
    }
