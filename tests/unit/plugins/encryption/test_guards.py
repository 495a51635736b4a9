"""The names of guards of encrypted values: nothing of a value is in them, whatever it looks like."""

from __future__ import annotations

import pytest

from dynamodb_wrapper.plugins.encryption.guards import sealed_guard
from dynamodb_wrapper.plugins.encryption.tables import Protected
from dynamodb_wrapper.schema import GUARD

AT = Protected(
    table="people",
    bound="people",
    key_fields=("number",),
    attributes={"email": "email_bidx", "ssn": "ssn_bidx"},
    schema_version=1,
    models=(),
    blind_keys={"email": b"e" * 32, "ssn": b"s" * 32},
)


def sealed_name(name: str) -> str:
    return str(sealed_guard(AT, {"Key": {GUARD: {"S": name}}})["Key"][GUARD]["S"])


@pytest.mark.parametrize("scope", ["", "Person#"])
@pytest.mark.parametrize("value", ["123", "123#email#S#x", "#ssn#", "#email#", "email#S#x"])
def test_the_name_of_a_guard_shows_nothing_of_an_encrypted_value(scope: str, value: str) -> None:
    name = sealed_name(f"{scope}ssn#S#{value}")
    assert name.startswith(f"{scope}ssn#blind#")
    assert len(name) == len(f"{scope}ssn#blind#") + 32
    assert name != sealed_name(f"{scope}ssn#S#{value}.")


def test_the_guard_of_a_value_that_is_not_encrypted_keeps_its_name() -> None:
    assert sealed_name("login#S#ann") == "login#S#ann"
