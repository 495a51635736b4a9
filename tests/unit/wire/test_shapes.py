from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from typing import Annotated, Any, Literal, NewType
from uuid import UUID

import pytest
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    Field,
    PlainSerializer,
    PlainValidator,
    RootModel,
    field_validator,
    model_serializer,
)

from dynamodb_wrapper.wire.shapes import (
    ListOf,
    MapOf,
    ModelOf,
    Opaque,
    Scalar,
    Shape,
    field_shapes,
    holds_opaque_models,
    may_be_bool,
    tag_of,
)

UserId = NewType("UserId", str)


class Color(StrEnum):
    RED = "red"


class Level(IntEnum):
    HIGH = 3


class Mixed(Enum):
    ONE = 1
    TEXT = "a"


class Inner(BaseModel):
    x: int


class Names(RootModel[list[str]]):
    pass


class Tree(BaseModel):
    children: list[Tree] = []


class Turned(BaseModel):
    x: int

    @model_serializer
    def turned(self) -> dict[str, int]:
        return {"x": -self.x}


def shape_of(annotation: Any) -> Shape:
    namespace = {"__annotations__": {"field": annotation}, "__module__": __name__}
    model: type[BaseModel] = type("Model", (BaseModel,), namespace)
    (field,) = field_shapes(model)
    return field.shape


@pytest.mark.parametrize(
    ("annotation", "shape"),
    [
        (str, Scalar(str)),
        (int | None, Scalar(int, null=True)),
        (Annotated[Decimal, Field(ge=0, max_digits=5)], Scalar(Decimal)),
        (Annotated[int, Field(ge=0)] | None, Scalar(int, null=True)),
        (AwareDatetime, Scalar(datetime)),
        (date, Scalar(date)),
        (UUID, Scalar(UUID)),
        (Color, Scalar(Color)),
        (Level, Scalar(Level)),
        (Mixed, Opaque((Mixed,))),
        (Literal["a", "b"], Scalar(str)),
        (UserId, Scalar(str)),
        (list[str], ListOf(Scalar(str))),
        (list, ListOf(Opaque())),
        (list[list[int]] | None, ListOf(ListOf(Scalar(int)), null=True)),
        (dict[str, Any], MapOf(Opaque())),
        (dict[str, Decimal], MapOf(Scalar(Decimal))),
        (dict[int, str], Opaque((dict,))),
        (set[str], Opaque((set,))),
        (tuple[int, ...], Opaque((tuple,))),
        (int | str | None, Opaque((int, str), null=True)),
        (int | Any, Opaque()),
        (Inner | Names, Opaque((), holds_models=True)),
        (Any, Opaque()),
        (Names, Opaque(holds_models=True)),
        (Turned, Opaque(holds_models=True)),
        (Annotated[datetime, AwareDatetime] | None, Scalar(datetime, null=True)),
        (Annotated[str, AfterValidator(str.upper)], Scalar(str)),
        (Annotated[str, PlainValidator(str)], Opaque()),
        (Annotated[str, PlainSerializer(str.upper)], Opaque()),
    ],
)
def test_an_annotation_has_the_shape(annotation: Any, shape: Shape) -> None:
    assert shape_of(annotation) == shape


def test_a_nested_model_has_the_shapes_of_its_fields() -> None:
    shape = shape_of(list[Inner])
    assert isinstance(shape, ListOf)
    assert isinstance(shape.element, ModelOf)
    assert [field.shape for field in shape.element.fields] == [Scalar(int)]


def test_a_model_inside_itself_ends_in_an_opaque_shape() -> None:
    (field,) = field_shapes(Tree)
    assert field.shape == ListOf(Opaque(holds_models=True))
    assert holds_opaque_models(field_shapes(Tree))


def test_a_field_whose_validator_replaces_pydantics_is_opaque() -> None:
    class Model(BaseModel):
        own: int
        checked: int

        @field_validator("own", mode="plain")
        @classmethod
        def anything(cls, value: object) -> object:
            return value

        @field_validator("checked")
        @classmethod
        def positive(cls, value: int) -> int:
            return value

    assert [field.shape for field in field_shapes(Model)] == [Opaque(), Scalar(int)]


def test_only_what_may_be_a_bool_counts_as_such() -> None:
    may: list[Shape] = [Scalar(bool), Opaque(), Opaque((int, bool))]
    may_not: list[Shape] = [Scalar(str), Opaque((int, str)), ListOf(Scalar(bool))]
    assert [may_be_bool(shape) for shape in may + may_not] == [True] * 3 + [False] * 3


def test_every_scalar_has_its_wire_type() -> None:
    kinds: dict[str, list[type]] = {
        "S": [str, datetime, date, UUID, Color],
        "N": [int, float, Decimal, Level],
        "BOOL": [bool],
        "B": [bytes],
    }
    assert {tag: [tag_of(Scalar(kind)) for kind in found] for tag, found in kinds.items()} == {
        tag: [tag] * len(found) for tag, found in kinds.items()
    }
