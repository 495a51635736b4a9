from __future__ import annotations

import pytest

from dynamodb_wrapper.runs.recorder import redacted


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "db_passwd",
        "clientSecret",
        "AUTH_TOKEN",
        "credentials",
        "private_key",
        "accessKey",
        "api-key",
    ],
)
def test_a_value_whose_name_says_that_it_is_secret_is_left_out(name: str) -> None:
    assert redacted({name: "hidden", "deep": [{name: {"more": "hidden"}}]}) == {
        name: "(redacted)",
        "deep": [{name: "(redacted)"}],
    }


def test_all_else_stays() -> None:
    config = {"bucket": "b", "key_columns": ["id"], "size": 5, "nested": {"path": None}}
    assert redacted(config) == config
