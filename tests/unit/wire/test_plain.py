from __future__ import annotations

import ipaddress
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Annotated, Any
from uuid import UUID

import pytest
from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    RootModel,
    SecretBytes,
    SecretStr,
    field_serializer,
    model_serializer,
)

from dynamodb_wrapper.wire.plain import (
    attribute_name,
    model_values,
    read_utc,
    simplify,
    stored_fields,
    utc_text,
)
from dynamodb_wrapper.wire.refusal import Refused


class Color(StrEnum):
    RED = "red"


class Level(IntEnum):
    HIGH = 3


class Mixed(Enum):
    PAIR = (1, "a")


class Names(RootModel[list[str]]):
    pass


class Inner(BaseModel):
    name: str
    note: str | None = None
    must_be_told: str | None = "told"


@dataclass
class Point:
    x: int
    label: str | None = None
    other: str | None = field(default_factory=lambda: None)


class Text(str):
    def __str__(self) -> str:
        return "shown differently"


@pytest.mark.parametrize(
    ("value", "simple"),
    [
        (Color.RED, "red"),
        (Level.HIGH, 3),
        (Mixed.PAIR, (1, "a")),
        (Text("kept"), "kept"),
        (datetime(2026, 1, 31, 12, tzinfo=UTC), "2026-01-31T12:00:00.000000+00:00"),
        (date(2026, 1, 31), "2026-01-31"),
        (time(1, 2, 3), "01:02:03"),
        (timedelta(hours=1), "PT1H"),
        (UUID(int=7), "00000000-0000-0000-0000-000000000007"),
        (PurePosixPath("/a/b"), "/a/b"),
        (ipaddress.ip_address("10.0.0.1"), "10.0.0.1"),
        (SecretStr("hidden"), "hidden"),
        (SecretBytes(b"hidden"), b"hidden"),
        (bytearray(b"a"), b"a"),
        (memoryview(b"a"), b"a"),
        (deque([1, 2]), [1, 2]),
        (OrderedDict(a=1), {"a": 1}),
        (MappingProxyType({"a": 1}), {"a": 1}),
        ({"a": 1}.keys(), {"a"}),
        (Names(["a"]), ["a"]),
        (Inner(name="n"), {"name": "n", "must_be_told": "told"}),
        (Inner(name="n", must_be_told=None), {"name": "n", "must_be_told": None}),
        (Point(1), {"x": 1, "other": None}),
    ],
)
def test_a_value_is_taken_one_step_towards_dynamodb(value: object, simple: object) -> None:
    assert simplify(value) == simple
    assert type(simplify(value)) is type(simple)


def test_boto3s_binary_is_taken_as_bytes() -> None:
    from boto3.dynamodb.types import Binary

    assert simplify(Binary(b"\x00\xff")) == b"\x00\xff"


@pytest.mark.parametrize("value", [object(), len, Point, ...])
def test_what_has_no_form_is_refused(value: object) -> None:
    with pytest.raises(Refused, match="DynamoDB has no type for"):
        simplify(value)


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 1, 31, 12, tzinfo=UTC), "2026-01-31T12:00:00.000000+00:00"),
        (datetime(2026, 1, 31, 12, tzinfo=timezone(timedelta(hours=2))), "2026-01-31T10:00:00.000000+00:00"),
        (datetime(1, 1, 1, 0, 0, 0, 7, tzinfo=UTC), "0001-01-01T00:00:00.000007+00:00"),
    ],
)
def test_a_datetime_is_stored_in_utc_and_in_fixed_width(moment: datetime, text: str) -> None:
    assert utc_text(moment) == text
    assert read_utc(text) == moment
    assert read_utc(text).tzinfo is UTC


@pytest.mark.parametrize(
    "text", ["2026-01-31T12:00:00Z", "2026-01-31T13:30:00+01:30", "2026-01-31T12:00:00", "2026-01-31T12:00"]
)
def test_other_forms_of_a_datetime_are_read_as_utc(text: str) -> None:
    moment = read_utc(text)
    assert moment == datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert moment.tzinfo is UTC


def test_a_naive_datetime_is_refused() -> None:
    with pytest.raises(Refused, match="without a time zone"):
        utc_text(datetime(2026, 1, 31))


def test_a_datetime_that_utc_cannot_hold_is_refused() -> None:
    with pytest.raises(Refused, match="years 1 to 9999"):
        utc_text(datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=2))))


def test_an_attribute_is_named_by_the_alias() -> None:
    class Model(BaseModel):
        plain: int = 0
        aliased: int = Field(0, alias="Aliased")
        read_by: int = Field(0, validation_alias="readBy")
        several: int = Field(0, validation_alias=AliasChoices("new", "old"))

    names = [attribute_name(name, field) for name, field in Model.model_fields.items()]
    assert names == ["plain", "Aliased", "readBy", "new"]
    assert [field.attribute for field in stored_fields(Model)] == names


def test_values_of_a_model_obey_its_serializers_and_exclusions() -> None:
    class Model(BaseModel):
        epoch: datetime
        doubled: Annotated[int, PlainSerializer(lambda value: value * 2)]
        hidden: Any = Field(None, exclude=True)

        @field_serializer("epoch")
        def seconds(self, value: datetime) -> int:
            return int(value.timestamp())

    instance = Model(epoch=datetime(1970, 1, 2, tzinfo=UTC), doubled=2, hidden=object())
    assert model_values(instance) == {"epoch": 86400, "doubled": 4}


def test_a_model_with_a_serializer_of_its_own_is_stored_as_that_says() -> None:
    class Model(BaseModel):
        x: int

        @model_serializer
        def turned(self) -> dict[str, int]:
            return {"y": -self.x}

    class Text(BaseModel):
        x: int

        @model_serializer
        def text(self) -> str:
            return str(self.x)

    assert model_values(Model(x=1)) == {"y": -1}
    with pytest.raises(Refused, match="does not give a dict"):
        model_values(Text(x=1))


def test_extra_values_of_a_model_are_values_too() -> None:
    class Open(BaseModel):
        model_config = ConfigDict(extra="allow")
        x: int

    assert model_values(Open.model_validate({"x": 1, "y": Decimal(2)})) == {"x": 1, "y": Decimal(2)}


def test_a_field_without_value_is_refused_by_name() -> None:
    with pytest.raises(Refused, match="never given a value") as refused:
        model_values(Inner.model_construct())  # type: ignore[call-arg]
    assert refused.value.path() == "name"


def test_a_moment_that_is_none_is_refused() -> None:
    pandas = pytest.importorskip("pandas")
    with pytest.raises(Refused, match="NaT is no point in time: give None"):
        utc_text(pandas.NaT)
