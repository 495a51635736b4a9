from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator
from pydantic import ValidationError as PydanticError

from dynamodb_wrapper.wire.constraints import FieldCheck
from dynamodb_wrapper.wire.plain import stored_fields


class Part(BaseModel):
    name: str
    parts: list[Part] = []


class Product(BaseModel):
    model_config = ConfigDict(str_max_length=5)
    code: str = Field(alias="Code")
    price: Annotated[Decimal, Field(ge=0)]
    low: int = 0
    high: int = Field(9, le=100)
    parts: list[Part] = []
    similar: Product | None = None

    @field_validator("code")
    @classmethod
    def upper(cls, value: str) -> str:
        if not value.isalpha():
            raise ValueError("letters only")
        return value.upper()

    @field_validator("high")
    @classmethod
    def above_low(cls, value: int, info: ValidationInfo) -> int:
        if value < info.data["low"]:
            raise ValueError("below low")
        return value

    @model_validator(mode="after")
    def whole(self) -> Product:
        raise AssertionError("a field alone is no whole product")


def check(name: str) -> FieldCheck:
    return FieldCheck(Product, next(stored for stored in stored_fields(Product) if stored.name == name))


@pytest.mark.parametrize(
    ("name", "value", "taken"),
    [
        ("code", "abc", "ABC"),
        ("price", "1.5", Decimal("1.5")),
        ("high", 50, 50),
        ("parts", [{"name": "a", "parts": [{"name": "b"}]}], [Part(name="a", parts=[Part(name="b")])]),
        ("similar", None, None),
    ],
)
def test_a_value_to_be_stored_is_what_the_model_takes(name: str, value: Any, taken: Any) -> None:
    assert check(name).to_be_stored(value) == taken


@pytest.mark.parametrize(
    ("name", "value"), [("code", "a1"), ("code", "toolong"), ("price", -1), ("high", 101)]
)
def test_a_value_that_breaks_a_constraint_is_of_the_type_but_not_to_be_stored(name: str, value: Any) -> None:
    assert check(name).of_type(value) == value
    with pytest.raises(PydanticError):
        check(name).to_be_stored(value)


@pytest.mark.parametrize(("name", "value"), [("code", 5), ("price", "cheap"), ("parts", [{}])])
def test_a_value_of_another_type_is_neither(name: str, value: Any) -> None:
    for validate in (check(name).of_type, check(name).to_be_stored):
        with pytest.raises(PydanticError):
            validate(value)
