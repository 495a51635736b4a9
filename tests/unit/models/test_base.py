from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from pydantic import TypeAdapter

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.models import Dto, DynamoDBModel, Rule, View


class Product(DynamoDBModel):
    class Meta:
        partition_key = "id"

    id: str
    price: Decimal = Decimal(0)
    seen: datetime | None = None
    note: str | None = None


class ProductView(View):
    id: str
    price: Decimal | None = None


def _priced(price: int | None, cost: int | None) -> str | None:
    return "below cost" if price is not None and cost is not None and price < cost else None


class ProductInput(Dto):
    rules = (Rule(("price", "cost"), _priced),)

    id: str
    price: int | None = None
    cost: int | None = None


def test_an_item_of_a_model_round_trips() -> None:
    product = Product(id="1", price=Decimal("9.90"), seen=datetime(2026, 1, 31, tzinfo=UTC))
    item = product.to_dynamodb_item()
    assert item["price"] == Decimal("9.90")
    assert item["seen"] == "2026-01-31T00:00:00.000000+00:00"
    assert Product.from_dynamodb_item(item) == product


def test_an_item_that_does_not_fit_is_our_error() -> None:
    with pytest.raises(ValidationError, match="price"):
        Product.from_dynamodb_item({"id": "1", "price": "cheap"})


def test_a_view_shows_which_fields_were_fetched_and_cannot_be_changed_or_saved() -> None:
    view = ProductView.model_validate({"id": "1"})
    assert view.model_fields_set == {"id"}
    assert not hasattr(view, "to_dynamodb_item")
    with pytest.raises(ValueError, match="frozen"):
        view.price = Decimal(1)  # type: ignore[misc]


@pytest.mark.parametrize(
    "make",
    [
        lambda values: ProductInput(**values),
        ProductInput.model_validate,
        lambda values: ProductInput.model_validate_json(TypeAdapter(dict[str, Any]).dump_json(values)),
        TypeAdapter(ProductInput).validate_python,
        lambda values: TypeAdapter(list[ProductInput]).validate_python([values]),
        lambda values: ProductInput(id="ok").model_copy(update=values),
    ],
)
@pytest.mark.parametrize(
    ("values", "errors"),
    [
        ({"id": "1", "price": 1, "cost": 2}, {"price": ["below cost"]}),
        ({"id": "1", "prise": 1}, {"prise": ["there is no such field; did you mean 'price'?"]}),
        ({"id": None}, {"id": ["Input should be a valid string"]}),
    ],
)
def test_every_way_to_make_a_dto_raises_our_error_by_field(
    make: Any, values: dict[str, Any], errors: dict[str, list[str]]
) -> None:
    with pytest.raises(ValidationError) as caught:
        make(values)
    assert caught.value.errors == errors
    assert "ProductInput" in str(caught.value)


@pytest.mark.parametrize("text", ["[]", "{", "null"])
def test_json_that_is_no_object_is_our_error(text: str) -> None:
    with pytest.raises(ValidationError):
        ProductInput.model_validate_json(text)


def test_input_that_is_no_mapping_is_our_error() -> None:
    with pytest.raises(ValidationError):
        ProductInput.model_validate(3)


def test_a_dto_is_frozen_and_a_copy_keeps_which_fields_were_given() -> None:
    product = ProductInput(id="1")
    with pytest.raises(ValueError, match="frozen"):
        product.price = 3  # type: ignore[misc]
    assert product.model_copy(update={"price": 3}).model_fields_set == {"id", "price"}
    assert product.model_copy() == product
