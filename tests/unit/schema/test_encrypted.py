"""Marking fields to be encrypted: what counts as marked, and each mark in a wrong place is one error."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import pytest
from pydantic import BaseModel, Field, TypeAdapter, create_model

from dynamodb_wrapper.exceptions import MetaError
from dynamodb_wrapper.schema import GSI, LSI, BlindIndex, Encrypted, schema_of


class Inner(BaseModel):
    secret: Encrypted[str]


class Tree(BaseModel):
    leaves: list[Tree] = []
    trunk: Tree | None = None
    note: str = ""


class Chain(BaseModel):
    following: Chain | None = None
    secrets: dict[str, Inner] = {}


def model_with(annotation: Any, default: Any = ..., **meta: Any) -> type[BaseModel]:
    model = create_model("Patient", patient_id=(str, ...), day=(str, ""), secret=(annotation, default))
    model.Meta = type("Meta", (), {"partition_key": "patient_id", **meta})  # type: ignore[attr-defined]
    return model


@pytest.mark.parametrize(
    "annotation",
    [
        Encrypted[str],
        Encrypted[str | None],  # type: ignore[misc]  # mypy looks for a generic class
        Encrypted[str] | None,
        Encrypted[list[dict[str, int]]],
        Annotated[Encrypted[str], Field(max_length=3)],
        Encrypted[Tree],
    ],
)
def test_a_marked_field_is_known_as_encrypted(annotation: Any) -> None:
    assert dict(schema_of(model_with(annotation)).encrypted) == {"secret": None}


def test_a_field_without_mark_is_not() -> None:
    assert not schema_of(model_with(str)).encrypted
    assert not schema_of(model_with(Tree)).encrypted


def test_to_pydantic_a_marked_field_is_of_its_plain_type() -> None:
    assert TypeAdapter(Encrypted[int]).validate_python("7") == 7


def test_the_attribute_is_the_alias() -> None:
    model = model_with(Encrypted[str], Field(alias="s"))
    assert dict(schema_of(model).encrypted) == {"s": None}


@pytest.mark.parametrize(("index", "name"), [(BlindIndex(), "secret_bidx"), (BlindIndex("other"), "other")])
def test_a_blind_index_has_an_attribute_that_may_be_a_key(index: BlindIndex, name: str) -> None:
    schema = schema_of(model_with(Annotated[Encrypted[str], index], gsis=[GSI("BySecret", name, "day")]))
    assert dict(schema.encrypted) == {"secret": name}
    assert schema.key_types[name] == "B"


@pytest.mark.parametrize(
    ("annotation", "meta", "told"),
    [
        (Encrypted[str], {"sort_key": "secret"}, "secret is a key of the table"),
        (Encrypted[str], {"partition_key": "secret"}, "secret is a key of the table"),
        (Encrypted[str], {"gsis": [GSI("One", "secret")]}, "secret is the partition_key of One"),
        (Encrypted[str], {"gsis": [GSI("One", "day", "secret")]}, "secret is the sort_key of One"),
        (
            Encrypted[str],
            {"sort_key": "day", "lsis": [LSI("One", "secret")]},
            "secret is the sort_key of One",
        ),
        (Encrypted[int], {"version": "secret"}, "secret is the version attribute"),
        (Encrypted[int], {"ttl": "secret"}, "secret is the ttl attribute"),
        (Encrypted[str], {"unique": ["secret"]}, "annotate it with BlindIndex"),
        (
            Annotated[Encrypted[str], BlindIndex()],
            {"gsis": [GSI("One", "secret")]},
            "name its blind index 'secret_bidx'",
        ),
        (Annotated[str, BlindIndex()], {}, "make it Encrypted too"),
        (Annotated[Encrypted[str], BlindIndex("day")], {}, "the name of another attribute"),
        (list[Encrypted[str]], {}, "something inside of secret is Encrypted"),
        (dict[str, list[Inner]] | None, {}, "something inside of secret is Encrypted"),
        (Inner, {}, "something inside of secret is Encrypted"),
        (Chain, {}, "something inside of secret is Encrypted"),
        (str, {"schema_version": 0}, "schema_version is 0"),
        (str, {"schema_version": 65536}, "from 1 to 65535"),
        (str, {"schema_version": True}, "schema_version is True"),
    ],
)
def test_a_mark_in_a_wrong_place_is_one_error(annotation: Any, meta: dict[str, Any], told: str) -> None:
    with pytest.raises(MetaError, match=r"^Patient\.Meta: ") as caught:
        schema_of(model_with(annotation, **meta))
    assert told in caught.value.message


def test_two_fields_cannot_share_a_blind_index() -> None:
    class Twice(BaseModel):
        name: str
        one: Annotated[Encrypted[str], BlindIndex("same")]
        two: Annotated[Encrypted[str], BlindIndex("same")]

        class Meta:
            partition_key: ClassVar = "name"

    with pytest.raises(MetaError, match="give it one of its own"):
        schema_of(Twice)
