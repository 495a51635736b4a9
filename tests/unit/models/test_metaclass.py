"""The metaclass: a class's fields are typed fields, and models stay what pydantic makes of them."""

from __future__ import annotations

import copy
import inspect
import pickle
import subprocess
import sys
import warnings
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any, ClassVar, Generic, TypeVar, cast
from unittest.mock import create_autospec

import pytest
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    computed_field,
    create_model,
    field_validator,
    model_validator,
)
from pydantic import ValidationError as PydanticError

from dynamodb_wrapper.expressions import Params, condition_of
from dynamodb_wrapper.models import DynamoDBModel

T = TypeVar("T")
MOMENT = datetime(2026, 2, 3, tzinfo=UTC)


def said(given: object) -> tuple[str, list[Any]]:
    """A condition with its names put back, and its values."""
    condition = condition_of(given)
    assert condition is not None
    params = Params()
    text = condition.encode(params)
    body = params.into({})
    for mark, name in reversed(body.get("ExpressionAttributeNames", {}).items()):
        text = text.replace(mark, name)
    return text, list(body.get("ExpressionAttributeValues", {}).values())


class Address(BaseModel):
    city: str
    since: datetime | None = None


class Order(DynamoDBModel):
    id: str
    total: Decimal = Decimal(3)
    address: Address


class Page(DynamoDBModel, Generic[T]):
    key: str
    content: T
    more: list[T] = Field(default_factory=list)


class Node(DynamoDBModel):
    name: str
    children: list[Node] = Field(default_factory=list)
    later: Later | None = None


class Later(BaseModel):
    at: int


class Priced(DynamoDBModel):
    kind: ClassVar[str] = "priced"
    _cache: dict[str, int] = PrivateAttr(default_factory=dict)
    price: int = 1
    stock: int = Field(default=2, ge=0)

    @field_validator("price")
    @classmethod
    def positive(cls, value: int) -> int:
        assert value > 0
        return value

    @model_validator(mode="after")
    def cached(self) -> Priced:
        self._cache["price"] = self.price
        return self

    @computed_field  # type: ignore[prop-decorator]
    @property
    def double(self) -> int:
        return self.price * 2

    @cached_property
    def triple(self) -> int:
        return self.price * 3


class Dearer(Priced):
    price: int = 10
    reason: str = "none"


class Mixin:
    color = "red"


def test_defaults_and_overrides_are_the_class_s_own_without_a_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")

        class Dearest(Dearer):
            price: int
            reason: str = "rare"

    assert (Priced().price, Dearer().price, Dearer().stock, Dearest(price=5).reason) == (1, 10, 2, "rare")
    with pytest.raises(PydanticError, match="Field required"):
        Dearest()  # type: ignore[call-arg]
    assert said(Dearer.reason == "x")[0] == "reason = :0"
    assert said(Dearest.stock > 1)[0] == "stock > :0"


def test_validators_private_attributes_and_computed_fields_work() -> None:
    priced = Priced(price=4)
    assert (priced._cache, priced.double, priced.triple, Priced.kind) == ({"price": 4}, 8, 12, "priced")
    assert priced.model_dump() == {"price": 4, "stock": 2, "double": 8}
    doubled: Any = Priced.double
    assert isinstance(doubled, property)
    for wrong in ({"price": 0}, {"stock": -1}):
        with pytest.raises(PydanticError):
            Priced(**wrong)
    priced.price = 7
    assert priced.price == 7


def test_pickle_copy_and_equality() -> None:
    dearer = Dearer(price=4)
    for other in (
        pickle.loads(pickle.dumps(dearer)),
        copy.copy(dearer),
        copy.deepcopy(dearer),
        dearer.model_copy(),
    ):
        assert other == dearer
    assert pickle.loads(pickle.dumps(Dearer)) is Dearer
    assert str(pickle.loads(pickle.dumps(Order.address.city))) == str(copy.deepcopy(Order.address.city))


def test_generic_models() -> None:
    page = Page[Address](key="a", content=Address(city="x"))
    assert page.content.city == "x"
    addresses: Any = Page[Address]  # mypy finds a generic model's fields ambiguous on the class
    numbers: Any = Page[int]
    anything: Any = Page
    assert said(addresses.content.city == "x")[0] == "content.city = :0"
    assert said(addresses.more[0].since > MOMENT)[1] == [{"S": "2026-02-03T00:00:00.000000+00:00"}]
    assert said(numbers.content == 3)[0] == "content = :0"
    assert said(anything.content["x"] == 3)[0] == "content.x = :0"


def test_forward_references_at_module_level_and_in_functions() -> None:
    assert said(Node.children[0].children[1].name == "x")[0] == "children[0].children[1].name = :0"
    node: Any = Node
    assert said(node.later.at > 1)[0] == "later.at > :0"

    class Outer(DynamoDBModel):
        inner: Inner
        many: list[Inner] = Field(default_factory=list)

    outer: Any = Outer
    with pytest.raises(AttributeError, match=r"its type .*Inner.* is not known yet"):
        _ = outer.inner.at

    class Inner(BaseModel):
        at: int

    Outer.model_rebuild()
    assert Outer.model_validate({"inner": {"at": 1}}).inner.at == 1
    assert said(Outer.many[0].at > 1)[0] == "many[0].at > :0"


def test_a_reference_to_a_local_class_is_found_by_pydantic_itself() -> None:
    class Local(BaseModel):
        at: int

    class Holder(DynamoDBModel):
        model_config = ConfigDict(defer_build=False)
        local: Local

    assert Holder.__pydantic_complete__
    assert said(Holder.local.at > 1)[0] == "local.at > :0"


def test_models_made_by_create_model() -> None:
    made = cast(Any, create_model("Made", __base__=Priced, size=(int, 3)))
    assert made().size == 3
    assert said(made.size > 3)[0] == "size > :0"
    assert said(made.price > 3)[0] == "price > :0"


def test_a_field_named_as_an_attribute_of_a_base_is_found() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydantic warns of such names

        class Odd(Mixin, DynamoDBModel):
            copy: str  # type: ignore[assignment]
            json: int = 3  # type: ignore[assignment]
            register: str = "r"
            color: str

        class Odder(Odd):
            copy: str = "c"
            color: str

    odds, odders = cast(Any, Odd), cast(Any, Odder)
    odd, odder = odds(copy="x"), odders()
    assert (odd.copy, odd.json, odd.register, odd.color) == ("x", 3, "r", "red")
    assert (odder.copy, odder.json, odder.color) == ("c", 3, "red")
    assert said(odds.copy == "x")[0] == "copy = :0"
    assert said(odds.register == "x")[0] == "register = :0"
    assert said(odders.color == "x")[0] == "color = :0"
    with pytest.raises(PydanticError, match="copy"):
        Odd.model_validate({})
    assert callable(odds.model_construct().copy)


def test_an_instance_without_a_value_says_so() -> None:
    order: Any = Order
    with pytest.raises(AttributeError, match="id"):
        _ = order.model_construct().id


def test_tools_look_at_the_class_without_harm() -> None:
    members = dict(inspect.getmembers(Order))
    assert "total" in members
    Order.model_rebuild()
    assert inspect.signature(Order).parameters["total"].default == Decimal(3)
    assert "total" in dir(Order)
    assert not hasattr(Order, "totl")
    assert create_autospec(Order, instance=True).total is not None
    assert Order.model_json_schema()["properties"]["total"]["default"] == "3"
    assert inspect.getdoc(Order)


def test_help_of_a_model_can_be_shown() -> None:
    code = "from dynamodb_wrapper.models import PipelineConfig; help(PipelineConfig)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "class PipelineConfig" in done.stdout
