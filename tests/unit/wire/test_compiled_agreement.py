from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import IntEnum, StrEnum
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, create_model

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.wire.compiled import Codec
from dynamodb_wrapper.wire.values import encode_item


class Status(StrEnum):
    RUNNING = "running"
    FAILED = "failed"


class Level(IntEnum):
    LOW = 1
    HIGH = 3


class Stage(BaseModel):
    name: str
    status: Status = Status.RUNNING
    at: datetime | None = None
    seconds: Decimal | None = None
    flag: bool = True


def body(*items: dict[str, Any]) -> bytes:
    return msgspec.json.encode({"Items": items, "Count": len(items), "ScannedCount": len(items)})


texts = st.text(max_size=12) | st.sampled_from(["", "true", '"', "\\", '{"S":"x"}', "\x00", "日本", "1E5"])
decimals = st.builds(
    lambda digits, power: Decimal(f"{digits}E{power}"),
    st.integers(-(10**38) + 1, 10**38 - 1),
    st.integers(-60, 60),
)
floats = st.floats(allow_nan=False, allow_infinity=False).filter(lambda n: n == 0 or 1e-130 < abs(n) < 1e125)
moments = st.datetimes(
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))]),
    min_value=datetime(2, 1, 1),
    max_value=datetime(9998, 1, 1),
)
stages = st.builds(
    Stage,
    name=texts,
    status=st.sampled_from(Status),
    at=st.none() | moments,
    seconds=st.none() | decimals,
    flag=st.booleans(),
)
plain = st.recursive(
    texts
    | st.integers(-(10**37), 10**37)
    | decimals
    | st.booleans()
    | st.none()
    | st.binary(max_size=8)
    | st.sets(texts, min_size=1, max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts.filter(bool), inner, max_size=3),
    max_leaves=6,
)
TYPES: list[tuple[Any, st.SearchStrategy[Any]]] = [
    (str, texts),
    (int, st.integers(-(10**38) + 1, 10**38 - 1)),
    (float, floats),
    (Decimal, decimals),
    (bool, st.booleans()),
    (bytes, st.binary(max_size=12)),
    (datetime, moments),
    (date, st.dates()),
    (UUID, st.uuids()),
    (Status, st.sampled_from(Status)),
    (Level, st.sampled_from(Level)),
    (Stage, stages),
    (set[str], st.sets(texts, max_size=3)),
    (dict[str, Any], st.dictionaries(texts.filter(bool), plain, max_size=3)),
    (Any, plain),
]


@st.composite
def typed_values(draw: st.DrawFn) -> tuple[Any, Any]:
    annotation, values = draw(st.sampled_from(TYPES))
    match draw(st.integers(0, 4)):
        case 0:
            return annotation | None if annotation is not Any else Any, draw(st.none() | values)
        case 1:
            return list.__class_getitem__(annotation), draw(st.lists(values, max_size=3))
        case 2:
            return dict.__class_getitem__((str, annotation)), draw(
                st.dictionaries(texts.filter(bool), values, max_size=3)
            )
        case _:
            return annotation, draw(values)


@st.composite
def instances(draw: st.DrawFn) -> BaseModel:
    fields = draw(st.lists(typed_values(), min_size=1, max_size=5))
    defaults = draw(st.lists(st.booleans(), min_size=len(fields), max_size=len(fields)))
    definitions: dict[str, Any] = {
        f"field_{n}": (annotation, None if optional else ...)
        for n, ((annotation, _), optional) in enumerate(zip(fields, defaults, strict=True))
    }
    model: type[BaseModel] = create_model("Random", **definitions)
    return model.model_validate({f"field_{n}": value for n, (_, value) in enumerate(fields)})


@given(instances())
def test_compiled_and_generic_ways_agree_on_every_model(instance: BaseModel) -> None:
    open_type = (
        type(instance).model_fields["field_0"].annotation is Any
    )  # a bool key comes back as text there
    codec = Codec(type(instance), () if open_type else ("field_0",))
    item = codec.encode(instance)
    assert item == codec._encode_slowly(instance)
    read = codec.decode(item)
    assert read == instance
    assert codec.read_item(msgspec.json.encode({"Item": item})) == instance
    page = codec.read_page(body(item, item)).items
    assert page == [instance, instance]
    assert [each.model_fields_set for each in page] == [read.model_fields_set] * 2
    assert [list(each.__dict__.items()) for each in page] == [list(read.__dict__.items())] * 2
    assert codec.encode(read) == item


OPTIONAL: dict[str, st.SearchStrategy[Any]] = {
    "active": st.booleans() | st.sampled_from(["true", "false"]),
    "started": st.sampled_from(["2026-01-31T12:00:00Z", "2026-01-31T12:00:00", "2026-01-31T12:00:00+02:00"]),
    "ratio": decimals | st.integers(-9, 9),
    "retries": st.none() | st.integers(-9, 9) | st.just(Decimal("1E+2")),
    "texts": st.sets(texts, max_size=2) | st.lists(texts, max_size=2),
    "stages": st.lists(st.fixed_dictionaries({"name": texts}, optional={"seconds": decimals, "more": plain})),
    "either": st.fixed_dictionaries({"name": texts}, optional={"more": plain}) | texts,
    "config": st.dictionaries(texts.filter(bool), plain, max_size=3),
    "future": plain,
}


class Record(BaseModel):
    run_id: str
    active: bool = True
    started: datetime | None = None
    ratio: float = 0.5
    retries: int | None = 3
    texts: set[str] = set()
    stages: list[Stage] = []
    either: Stage | str = ""
    config: dict[str, Any] = {}


@pytest.mark.parametrize("keep_unknown", [True, False])
@given(data=st.data())
def test_compiled_and_generic_ways_agree_on_every_item(keep_unknown: bool, data: st.DataObject) -> None:
    fitting = data.draw(st.fixed_dictionaries({"run_id": texts}, optional=OPTIONAL))
    odd = data.draw(st.dictionaries(st.sampled_from(["run_id", *OPTIONAL]), plain, max_size=1))
    item = encode_item(fitting | odd)
    codec = Codec(Record, ("run_id", "active"), keep_unknown=keep_unknown)
    compiled, generic = (
        outcome(lambda: codec.read_page(body(item)).items),
        outcome(lambda: [codec.decode(item)]),
    )
    assert compiled == generic
    if keep_unknown and isinstance(generic, list) and "future" in item:
        assert codec.encode(generic[0])["future"] == item["future"]


def outcome(read: Callable[[], list[Record]]) -> list[Record] | dict[str, list[str]]:
    """The instances, or what is wrong by path."""
    try:
        return read()
    except ValidationError as refused:
        return refused.errors
