from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from dynamodb_wrapper.wire.reading import keep_unknown, model_preparer
from dynamodb_wrapper.wire.shapes import field_shapes


class Inner(BaseModel):
    ratio: float = 0.5


class Model(BaseModel):
    at: datetime | None = None
    moments: list[datetime] = []
    prices: dict[str, Decimal] = {}
    inner: Inner | None = None
    several: Inner | list[Inner] | dict[str, Inner] | None = None


class Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)
    id: str = Field("", alias="Id")
    renamed: str = Field("", validation_alias=AliasChoices("new", "old"))
    inner: Inner | None = None


def prepared(model: type[BaseModel], item: Any) -> Any:
    return model_preparer(model, field_shapes(model))(item)


def test_values_take_the_classes_of_the_compiled_decoder() -> None:
    item = {
        "at": "2026-01-31T12:00:00",
        "moments": ["2026-01-31T12:00:00Z"],
        "prices": {"a": 1},
        "inner": {"ratio": Decimal("0.1")},
    }
    noon = datetime(2026, 1, 31, 12, tzinfo=UTC)
    ready = prepared(Model, item)
    assert ready == {"at": noon, "moments": [noon], "prices": {"a": Decimal(1)}, "inner": {"ratio": 0.1}}
    assert type(ready["prices"]["a"]) is Decimal
    assert type(ready["inner"]["ratio"]) is float


def test_values_of_another_type_are_left_for_pydantic_to_judge() -> None:
    item = {"at": 5, "moments": "soon", "prices": None, "inner": ["x"], "more": {"a": 1}}
    assert prepared(Model, item) == item
    assert prepared(Model, {"at": "soon"}) == {"at": "soon"}


def test_a_model_that_forbids_extra_attributes_is_not_shown_them() -> None:
    item = {"Id": "x", "id": "y", "new": "a", "old": "b", "unknown": 1, "inner": {"ratio": 1, "unknown": 2}}
    assert "unknown" not in prepared(Closed, item)
    assert prepared(Closed, item).keys() == {"Id", "id", "new", "old", "inner"}


def test_unknown_attributes_are_kept_at_every_depth() -> None:
    item: dict[str, Any] = {"inner": {"ratio": 1, "a": 1}, "several": [{"b": 2}, {}], "c": {3}}
    model = Model.model_validate(item)
    keep_unknown(model, item)
    assert model.model_extra == {"c": {3}}
    assert model.inner is not None
    assert model.inner.model_extra == {"a": 1}
    assert isinstance(model.several, list)
    assert [each.model_extra for each in model.several] == [{"b": 2}, None]


def test_unknown_attributes_of_models_in_a_dict_are_kept() -> None:
    item = {"several": {"x": {"ratio": 1, "d": 4}, "y": {"ratio": 2}}}
    model = Model(several={"x": Inner(ratio=1), "y": Inner(ratio=2)})
    keep_unknown(model, item)
    assert isinstance(model.several, dict)
    assert model.several["x"].model_extra == {"d": 4}


def test_what_does_not_match_its_item_is_left_alone() -> None:
    model = Model(several=[Inner()])
    keep_unknown(model, {"several": [{"a": 1}, {"b": 2}]})
    keep_unknown(model, {"several": {"a": 1}})
    keep_unknown(model, ["a"])
    assert model == Model(several=[Inner()])
