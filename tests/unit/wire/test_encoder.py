from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from pydantic import BaseModel, Field

from dynamodb_wrapper.wire.encoder import EncoderCompiler, Mismatch
from dynamodb_wrapper.wire.refusal import Refused
from dynamodb_wrapper.wire.shapes import field_shapes

HOSTILE = "'} ; raise SystemExit #\n\"\\"


class Inner(BaseModel):
    n: Decimal
    note: str | None = None


class Model(BaseModel):
    id: str
    active: bool = True
    hostile: int = Field(1, alias=HOSTILE)
    at: datetime | None = None
    inner: list[Inner] = []
    limits: dict[str, int] = {}


def encode(instance: BaseModel, *keys: str) -> dict[str, Any]:
    return EncoderCompiler().model(type(instance), field_shapes(type(instance)), keys)(instance)


def test_an_item_is_made_from_the_fields() -> None:
    made = Model(id="é", inner=[Inner(n=Decimal("1.5"))], limits={"日": 2})
    assert encode(made, "active") == {
        "id": {"S": "é"},
        "active": {"S": "true"},
        HOSTILE: {"N": "1"},
        "inner": {"L": [{"M": {"n": {"N": "1.5"}}}]},
        "limits": {"M": {"日": {"N": "2"}}},
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("id", 5),
        ("id", "\ud800"),
        ("active", 1),
        ("inner", (Inner(n=Decimal(1)),)),
        ("inner", [Model(id="x")]),
        ("limits", {"a": "b"}),
        ("limits", {1: 2}),
        ("limits", {"a": True}),
        ("at", "2026-01-31"),
        ("at", datetime(2026, 1, 31)),
    ],
)
def test_nothing_doubtful_is_encoded(name: str, value: object) -> None:
    doubtful = Model(id="x").model_copy(update={name: value})
    with pytest.raises((Mismatch, Refused)):
        encode(doubtful)


def test_an_instance_of_another_class_is_no_match() -> None:
    class Wider(Model):
        more: int = 1

    with pytest.raises(Mismatch):
        EncoderCompiler().model(Model, field_shapes(Model))(Wider(id="x"))
