from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import IntEnum, StrEnum
from typing import Annotated, Any
from uuid import UUID

import pyarrow as pa
import pytest
from pydantic import AwareDatetime, BaseModel, Field, create_model

from dynamodb_wrapper.models import PipelineRunLog
from dynamodb_wrapper.wire.arrow import ArrowReader
from dynamodb_wrapper.wire.arrow_forms import JSON_TEXT
from dynamodb_wrapper.wire.arrow_schema import arrow_schema

MOMENT = pa.timestamp("us", "UTC")


class Color(StrEnum):
    RED = "red"


class Level(IntEnum):
    LOW = 1


class Line(BaseModel):
    qty: int
    price: Annotated[Decimal, Field(max_digits=12, decimal_places=2)] | None = None


@pytest.mark.parametrize(
    ("annotation", "kind"),
    [
        (str, pa.string()),
        (str | None, pa.string()),
        (UUID, pa.string()),
        (Color, pa.string()),
        (Level, pa.int64()),
        (int, pa.int64()),
        (float, pa.float64()),
        (Decimal, pa.string()),
        (Annotated[Decimal, Field(decimal_places=4)], pa.decimal128(38, 4)),
        (Annotated[Decimal, Field(max_digits=10, decimal_places=2)] | None, pa.decimal128(10, 2)),
        (bool, pa.bool_()),
        (bytes, pa.binary()),
        (date, pa.date32()),
        (datetime, MOMENT),
        (AwareDatetime, MOMENT),
        (list[int], pa.list_(pa.int64())),
        (set[str] | None, pa.list_(pa.string())),
        (frozenset[int], pa.list_(pa.int64())),
        (dict[str, float], pa.map_(pa.string(), pa.float64())),
        (list[Line], pa.list_(pa.struct([("qty", pa.int64()), ("price", pa.decimal128(12, 2))]))),
    ],
)
def test_a_field_has_its_column(annotation: Any, kind: Any) -> None:
    model: type[BaseModel] = create_model("Made", it=(annotation, ...))
    assert arrow_schema(model) == pa.schema([("it", kind)])


@pytest.mark.parametrize("annotation", [Any, int | str, tuple[int, str]])
def test_a_field_of_no_certain_type_is_a_text_of_json(annotation: Any) -> None:
    model: type[BaseModel] = create_model("Made", it=(annotation, ...))
    field = arrow_schema(model).field("it")
    assert field.type == pa.string()
    assert field.metadata == {name.encode(): text.encode() for name, text in JSON_TEXT.items()}


def test_columns_are_named_as_attributes_and_keys_are_not_null() -> None:
    class Aliased(BaseModel):
        key: str = Field(alias="pk")
        other: str

    schema = arrow_schema(Aliased, ["pk"])
    assert schema.names == ["pk", "other"]
    assert [field.nullable for field in schema] == [False, True]


def test_the_schema_of_a_domain_model_can_be_read() -> None:
    ArrowReader(arrow_schema(PipelineRunLog, ["run_id", "pipeline_id"]))
