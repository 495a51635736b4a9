from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

import msgspec
import pytest
from pydantic import BaseModel, ConfigDict, Field

from dynamodb_wrapper.wire.decoder import ModelDecoder
from dynamodb_wrapper.wire.shapes import field_shapes


class Inner(BaseModel):
    n: Decimal | None
    flag: bool = True


class Model(BaseModel):
    id: Annotated[str, Field(max_length=9)]  # a constraint: pydantic has to look at it
    active: bool = True
    at: datetime | None = Field(None, alias="At")
    inner: list[Inner | None] = []
    nested: dict[str, list[int]] | None = None
    anything: Any = None


def rows(item: dict[str, Any], *, strict: bool = True, model: type[BaseModel] = Model) -> dict[str, Any]:
    decoder = ModelDecoder(model, field_shapes(model), ("active",), strict)
    reply = decoder.reply.decode(msgspec.json.encode({"Item": item}))
    page = decoder.page.decode(msgspec.json.encode({"Items": [item], "Count": 1, "Tomorrow": 1}))
    assert decoder.row(page.items[0]) == decoder.row(reply.item)
    row: dict[str, Any] = decoder.row(reply.item)
    return row


def test_an_item_becomes_what_pydantic_takes() -> None:
    item = {
        "id": {"S": "x"},
        "active": {"S": "false"},
        "At": {"S": "2026-01-31T12:00:00Z"},
        "inner": {
            "L": [
                {"M": {"n": {"NULL": True}}},
                {"NULL": True},
                {"M": {"n": {"N": "1"}, "flag": {"BOOL": False}}},
            ]
        },
        "nested": {"M": {"a": {"L": [{"N": "1"}, {"N": "2"}]}}},
        "anything": {"L": [{"B": "YQ=="}]},
    }
    assert rows(item) == {
        "id": "x",
        "active": False,
        "At": datetime(2026, 1, 31, 12, tzinfo=UTC),
        "inner": [{"n": None}, None, {"n": Decimal(1), "flag": False}],
        "nested": {"a": [1, 2]},
        "anything": [b"a"],
    }


def test_an_absent_attribute_is_absent_and_a_null_is_none() -> None:
    assert rows({"id": {"S": "x"}, "active": {"BOOL": True}, "nested": {"NULL": True}}) == {
        "id": "x",
        "active": True,
        "nested": None,
    }


@pytest.mark.parametrize(
    "item",
    [
        {},
        {"id": {"N": "1"}},
        {"id": {"NULL": True}},
        {"id": {"S": "x"}, "active": {"S": "yes"}},
        {"id": {"S": "x"}, "unknown": {"S": "x"}},
        {"id": {"S": "x"}, "inner": {"L": [{"M": {"n": {"N": "1"}, "unknown": {"S": "x"}}}]}},
        {"id": {"S": "x"}, "inner": {"L": [{"M": {}}]}},
        {"id": {"S": "x"}, "nested": {"M": {"a": {"L": [{"N": "1.5"}]}}}},
        {"id": {"S": "x"}, "At": {"S": "soon"}},
    ],
)
def test_an_item_of_another_shape_is_an_error(item: dict[str, Any]) -> None:
    with pytest.raises((msgspec.ValidationError, ValueError)):
        rows(item)


def test_without_strictness_unknown_attributes_are_passed_over() -> None:
    item = {
        "id": {"S": "x"},
        "unknown": {"S": "x"},
        "inner": {"L": [{"M": {"n": {"N": "1"}, "more": {"S": "x"}}}]},
    }
    assert rows(item, strict=False) == {"id": "x", "inner": [{"n": Decimal(1)}]}


def test_a_model_that_allows_extra_attributes_is_always_strict() -> None:
    class Open(BaseModel):
        model_config = ConfigDict(extra="allow")
        id: str

    with pytest.raises(msgspec.ValidationError):
        rows({"id": {"S": "x"}, "unknown": {"S": "x"}}, strict=False, model=Open)


def test_of_a_model_that_takes_values_as_they_are_the_instance_is_made() -> None:
    class Plain(BaseModel):
        id: str
        inner: Inner | None = None
        tags: list[str] = ["a"]
        made: datetime = Field(default_factory=lambda: datetime(2026, 1, 31, tzinfo=UTC), alias="Made")

    decoder = ModelDecoder(Plain, field_shapes(Plain), (), True)
    assert decoder.direct
    item = {"id": {"S": "x"}, "inner": {"M": {"n": {"N": "1.5"}}}}
    first, second = map(decoder.row, decoder.page.decode(msgspec.json.encode({"Items": [item, item]})).items)
    expected = Plain.model_validate({"id": "x", "inner": {"n": Decimal("1.5")}})
    assert first == second == expected
    assert list(first.__dict__) == list(expected.__dict__)
    assert first.model_fields_set == {"id", "inner"}
    assert first.inner.model_fields_set == {"n"}
    first.tags.append("b")
    assert second.tags == ["a"]


@pytest.mark.parametrize("number", ["NaN", "Infinity"])
def test_a_number_that_no_decimal_field_takes_is_an_error(number: str) -> None:
    class Plain(BaseModel):
        n: Decimal

    decoder = ModelDecoder(Plain, field_shapes(Plain), (), True)
    with pytest.raises(ValueError, match="pydantic"):
        decoder.row(decoder.reply.decode(msgspec.json.encode({"Item": {"n": {"N": number}}})).item)
