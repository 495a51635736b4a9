from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Annotated, Any, Literal

import pytest
from pydantic import (
    AfterValidator,
    AliasChoices,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PastDatetime,
    PrivateAttr,
    computed_field,
    create_model,
    field_validator,
    model_validator,
)

from dynamodb_wrapper.models import PipelineConfig, PipelineRunLog, PipelineRunLogView, TableConfig
from dynamodb_wrapper.wire.agreement import takes_as_they_are
from dynamodb_wrapper.wire.shapes import field_shapes


class Color(StrEnum):
    RED = "red"


class Part(BaseModel):
    qty: int = 1


def agrees(model: type[BaseModel]) -> bool:
    model.model_rebuild()
    return takes_as_they_are(model, field_shapes(model))


def with_field(annotation: Any, default: Any = ...) -> type[BaseModel]:
    fields: Any = {"it": (annotation, default)}
    model: type[BaseModel] = create_model("Made", **fields)
    return model


@pytest.mark.parametrize("model", [PipelineConfig, PipelineRunLog, PipelineRunLogView, TableConfig])
def test_the_domain_models_are_taken_as_they_are(model: type[BaseModel]) -> None:
    assert agrees(model)


@pytest.mark.parametrize(
    "annotation",
    [
        str,
        int | None,
        float,
        Decimal,
        bool,
        bytes,
        datetime,
        AwareDatetime,
        Color,
        Any,
        list[int],
        list[Any],
        list,
        dict[str, list[Decimal | None]],
        Part,
        list[Part] | None,
        dict[str, Part],
        Annotated[str, Field(description="only told")],
    ],
)
def test_types_alone_are_taken_as_they_are(annotation: Any) -> None:
    assert agrees(with_field(annotation))
    assert agrees(with_field(annotation | None, None) if annotation is not Any else with_field(Any, None))


class Odd(Enum):
    A = (1, 2)


@pytest.mark.parametrize(
    "annotation",
    [
        Annotated[str, Field(min_length=1)],
        Annotated[str, Field(strict=True)],
        Annotated[int, Field(gt=0)],
        Annotated[Decimal, Field(max_digits=5)],
        Annotated[str, AfterValidator(str.upper)],
        Annotated[str, BeforeValidator(str)],
        Annotated[list[str], Field(max_length=2)],
        list[Annotated[str, Field(pattern="^a")]],
        dict[Annotated[str, Field(max_length=2)], int],
        PastDatetime,
        date,
        Literal["a", "b"],
        Odd,
        set[str],
        tuple[int, ...],
        int | str,
    ],
)
def test_more_than_types_is_for_pydantic(annotation: Any) -> None:
    assert not agrees(with_field(annotation))


def _validator() -> type[BaseModel]:
    class Model(BaseModel):
        it: str

        @field_validator("it")
        @classmethod
        def check(cls, value: str) -> str:
            return value

    return Model


def _model_validator() -> type[BaseModel]:
    class Model(BaseModel):
        it: str

        @model_validator(mode="after")
        def check(self) -> Model:
            return self

    return Model


def _post_init() -> type[BaseModel]:
    class Model(BaseModel):
        it: str

        def model_post_init(self, context: Any) -> None:
            self.it += "!"

    return Model


def _private() -> type[BaseModel]:
    class Model(BaseModel):
        it: str
        _hidden: int = PrivateAttr(1)

    return Model


def _init() -> type[BaseModel]:
    class Model(BaseModel):
        it: str

        def __init__(self, **values: Any) -> None:
            super().__init__(**values)

    return Model


def _nested() -> type[BaseModel]:
    inner = _validator()

    class Model(BaseModel):
        it: inner  # type: ignore[valid-type]

    Model.model_rebuild(_types_namespace={"inner": inner})
    return Model


def _config(config: ConfigDict) -> Callable[[], type[BaseModel]]:
    def make() -> type[BaseModel]:
        class Model(BaseModel):
            model_config = config
            it: str = "a"

        return Model

    return make


def _choices() -> type[BaseModel]:
    class Model(BaseModel):
        it: str = Field(validation_alias=AliasChoices("it", "that"))

    return Model


def _default_of_others() -> type[BaseModel]:
    class Model(BaseModel):
        that: str
        it: str = Field(default_factory=lambda data: data["that"])

    return Model


@pytest.mark.parametrize(
    "make",
    [
        _validator,
        _model_validator,
        _post_init,
        _private,
        _init,
        _nested,
        _choices,
        _default_of_others,
        _config(ConfigDict(str_strip_whitespace=True)),
        _config(ConfigDict(str_max_length=3)),
        _config(ConfigDict(validate_default=True)),
        _config(ConfigDict(extra="allow")),
        _config(ConfigDict(strict=True)),
    ],
)
def test_what_a_class_does_at_validation_is_for_pydantic(make: Callable[[], type[BaseModel]]) -> None:
    assert not agrees(make())


def test_what_a_class_does_elsewhere_is_no_matter() -> None:
    class Model(BaseModel):
        model_config = ConfigDict(frozen=True, title="A model")
        it: str = Field("a", alias="It")

        @computed_field  # type: ignore[prop-decorator]
        @property
        def twice(self) -> str:
            return self.it * 2

    assert agrees(Model)
