from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, Field

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.expressions import Params
from dynamodb_wrapper.operations.versions import Lock, lock_of, mark_as_stored, new_token, version_field
from dynamodb_wrapper.schema import WRITES, schema_of


class Doc(BaseModel):
    id: str
    count: int = Field(default=1, alias="version")

    class Meta:
        table_name = "docs"
        partition_key = "id"
        version = "version"


class Plain(BaseModel):
    id: str

    class Meta:
        table_name = "plain"
        partition_key = "id"


SCHEMA: Any = schema_of(Doc)


def doc(version: int, tokens: str = "") -> Doc:
    made = Doc(id="a", version=version)
    vars(made)[WRITES] = tokens
    return made


def text(lock: Lock) -> str:
    condition = lock.condition()
    return "" if condition is None else condition.encode(Params())


def stored(version: int, tokens: str) -> dict[str, Any]:
    return {"version": {"N": str(version)}, WRITES: {"S": tokens}}


def test_a_model_without_a_version_has_no_lock() -> None:
    assert lock_of(schema_of(Plain), Plain(id="a")) is None


def test_the_field_is_found_by_its_alias() -> None:
    assert version_field(SCHEMA) == "count"


@pytest.mark.parametrize(
    ("version", "wanted"),
    [
        (3, "#0 = :0"),
        (0, "(attribute_not_exists(#0) OR attribute_type(#0, :0) OR #0 = :1)"),
        (1, "(attribute_not_exists(#0) OR attribute_type(#0, :0) OR #0 = :1)"),
    ],
)
def test_a_default_or_0_stands_for_an_item_that_was_not_read(version: int, wanted: str) -> None:
    lock = lock_of(SCHEMA, doc(version))
    assert lock is not None
    assert text(lock) == wanted
    assert lock.following == version + 1


def test_without_an_item_nothing_is_asked_and_the_service_counts() -> None:
    lock = lock_of(SCHEMA, None)
    assert lock is not None
    assert text(lock) == ""
    assert lock.changes()[0].encode(Params()) == "#0 = if_not_exists(#0, :0) + :1"


def test_the_tokens_before_are_kept_behind_the_new_one() -> None:
    earlier = f"{new_token()} {new_token()}"
    lock = lock_of(SCHEMA, doc(3, earlier), "AAnewone")
    assert lock is not None
    assert lock.item() == stored(4, f"AAnewone {earlier}")


@pytest.mark.parametrize("old", ["__abcdef", "??wrong?", "x"])
def test_tokens_without_a_time_are_not_kept(old: str) -> None:
    lock = lock_of(SCHEMA, doc(3, old), "AAnewone")
    assert lock is not None
    assert lock.tokens == "AAnewone"


@pytest.mark.parametrize(
    ("item", "applied"),
    [
        (stored(4, "mine before"), True),
        (stored(6, "c b mine"), True),
        (stored(4, "theirs"), False),
        (stored(6, "c b a"), False),
        (stored(6, "c b"), None),
        ({"version": {"N": "4"}}, None),
        ({}, None),
    ],
)
def test_the_tokens_tell_whether_the_write_was_applied(item: dict[str, Any], applied: bool | None) -> None:
    lock = Lock(attribute="version", token="mine", read=3)
    assert lock.was_applied(item) is applied


def test_what_was_written_can_be_written_again() -> None:
    instance = doc(3)
    lock = lock_of(SCHEMA, instance)
    mark_as_stored(SCHEMA, instance, lock)
    following = lock_of(SCHEMA, instance)
    assert lock is not None
    assert following is not None
    assert (instance.count, following.read, following.before) == (4, 4, (lock.token,))


@pytest.mark.parametrize("version", [-1, 1.5, True, "3"])
def test_a_version_that_is_no_count_is_refused(version: Any) -> None:
    instance = Doc.model_construct(id="a", count=version)
    with pytest.raises(ValidationError, match="whole number"):
        lock_of(SCHEMA, instance)


def test_tokens_differ_and_are_short() -> None:
    tokens = {new_token() for _ in range(1000)}
    assert len(tokens) == 1000
    assert {len(token) for token in tokens} == {8}
