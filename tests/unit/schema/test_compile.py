"""Every way to write a Meta: the right ones compile, each wrong one is one error that helps."""

from __future__ import annotations

import enum
import gc
import pickle
import weakref
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Generic, Literal, NewType, TypeVar
from uuid import UUID

import pytest
from pydantic import AwareDatetime, BaseModel, Field, PastDatetime, create_model

from dynamodb_wrapper.exceptions import MetaError, ValidationError
from dynamodb_wrapper.schema import GSI, LSI, Index, schema_of, schema_of_item


class Status(enum.StrEnum):
    OPEN = "open"
    DONE = "done"


class Level(enum.IntEnum):
    LOW = 1


class Mixed(enum.Enum):
    ONE = 1
    TWO = "two"


CustomerId = NewType("CustomerId", str)
T = TypeVar("T")


class Order(BaseModel):
    order_id: str
    customer: str
    status: Status = Status.OPEN
    urgent: bool = False
    total: Decimal = Decimal(0)
    placed_at: datetime
    note: str | None = None
    lines: list[str] = []
    options: dict[str, str] = {}
    revision: int = 0
    expires: int | None = None
    due_after: datetime | None = None


def with_meta(**meta: Any) -> type[BaseModel]:
    """The model above with that Meta."""
    model = create_model("Order", __base__=Order)
    model.__qualname__ = "Order"
    model.Meta = type("Meta", (), meta)  # type: ignore[attr-defined]
    return model


def key_of(annotation: Any) -> type[BaseModel]:
    """A model whose key has that type."""
    model = create_model("Keyed", key=(annotation, ...))
    model.Meta = type("Meta", (), {"partition_key": "key"})  # type: ignore[attr-defined]
    return model


class TestRight:
    def test_the_least_that_works(self) -> None:
        schema = schema_of(with_meta(partition_key="order_id"))
        assert schema.partition_key == "order_id"
        assert schema.sort_key is None
        assert schema.indexes == {}
        assert schema.key_types == {"order_id": "S"}
        assert (schema.ttl, schema.version, schema.unique, schema.base_name) == (None, None, (), None)
        assert schema.attributes == set(Order.model_fields)

    def test_everything(self) -> None:
        schema = schema_of(
            with_meta(
                table_name="orders",
                partition_key="customer",
                sort_key="order_id",
                gsis=[
                    {"name": "ByStatus", "partition_key": "status", "sort_key": "placed_at"},
                    GSI("ByUrgency", "urgent", projection="KEYS_ONLY"),
                    GSI("Wide", ["status", "urgent"], ["placed_at", "total"], projection=["note", "lines"]),
                ],
                lsis=[{"name": "ByTotal", "sort_key": "total"}, LSI("ByDate", "placed_at", projection="ALL")],
                ttl="expires",
                version="revision",
                unique=["note"],
            )
        )
        assert schema.table_name == "orders"
        assert schema.indexes == {
            "ByStatus": Index("ByStatus", ("status",), ("placed_at",)),
            "ByUrgency": Index("ByUrgency", ("urgent",), (), "KEYS_ONLY"),
            "Wide": Index("Wide", ("status", "urgent"), ("placed_at", "total"), ("note", "lines")),
            "ByTotal": Index("ByTotal", ("customer",), ("total",), local=True),
            "ByDate": Index("ByDate", ("customer",), ("placed_at",), local=True),
        }
        assert schema.key_types == {
            "customer": "S",
            "order_id": "S",
            "status": "S",
            "placed_at": "S",
            "urgent": "S",
            "total": "N",
        }
        assert (schema.ttl, schema.version, schema.unique) == ("expires", "revision", ("note",))

    @pytest.mark.parametrize(
        ("annotation", "kind"),
        [
            (str, "S"),
            (bool, "S"),
            (datetime, "S"),
            (AwareDatetime, "S"),
            (PastDatetime, "S"),
            (Annotated[datetime, AwareDatetime], "S"),
            (date, "S"),
            (UUID, "S"),
            (Status, "S"),
            (Literal["a", "b"], "S"),
            (CustomerId, "S"),
            (Annotated[str, Field(min_length=1)], "S"),
            (int, "N"),
            (float, "N"),
            (Decimal, "N"),
            (int | Decimal, "N"),
            (Level, "N"),
            (Literal[1, 2], "N"),
            (bytes, "B"),
        ],
    )
    def test_the_type_of_a_key_comes_from_its_annotation(self, annotation: Any, kind: str) -> None:
        assert schema_of(key_of(annotation)).key_types == {"key": kind}

    @pytest.mark.parametrize("name", ["note", "expires", "due_after"])
    def test_a_key_of_an_index_may_be_left_out_of_an_item(self, name: str) -> None:
        schema = schema_of(with_meta(partition_key="order_id", gsis=[GSI("Sparse", name)]))
        assert schema.key_types[name] in ("S", "N")

    def test_a_meta_is_inherited_and_can_be_extended(self) -> None:
        class Base(BaseModel):
            key: str

            class Meta:
                table_name = "base"
                partition_key = "key"

        class Same(Base):
            extra: int = 0

        class Other(Base):
            class Meta(Base.Meta):
                table_name = "other"

        assert schema_of(Same).table_name == "base"
        assert schema_of(Same).attributes == {"key", "extra"}
        assert (schema_of(Other).partition_key, schema_of(Other).table_name) == ("key", "other")

    def test_an_attribute_goes_by_its_alias(self) -> None:
        class Aliased(BaseModel):
            key: str = Field(alias="PK")

            class Meta:
                partition_key = "PK"

        assert schema_of(Aliased).key_types == {"PK": "S"}

    def test_generic_models_are_each_described(self) -> None:
        class Box(BaseModel, Generic[T]):
            key: T

            class Meta:
                partition_key = "key"

        assert schema_of(Box[str]).key_types == {"key": "S"}
        assert schema_of(Box[int]).key_types == {"key": "N"}

    def test_a_type_that_is_defined_after_the_model_is_found(self) -> None:
        class Late(BaseModel):
            key: Later

            class Meta:
                partition_key = "key"

        Later = Literal["a"]
        Late.model_rebuild(_types_namespace={"Later": Literal["a"]})
        assert schema_of(Late).key_types == {"key": "S"}

    def test_it_is_compiled_once(self) -> None:
        model = with_meta(partition_key="order_id")
        assert schema_of(model) is schema_of(model)

    def test_models_of_one_name_are_told_apart(self) -> None:
        assert schema_of(with_meta(partition_key="order_id")).partition_key == "order_id"
        assert schema_of(with_meta(partition_key="customer")).partition_key == "customer"


class Bad:
    """A wrong Meta and what the error must say."""

    def __init__(self, name: str, says: Sequence[str], **meta: Any) -> None:
        self.name, self.says, self.meta = name, says, meta


def gsi(**entry: Any) -> dict[str, Any]:
    return {"partition_key": "order_id", "gsis": [{"name": "Index", "partition_key": "customer"} | entry]}


WRONG = [
    Bad("no partition key", ["partition_key is missing", 'add partition_key = "']),
    Bad("partition key None", ["partition_key", "None", "order_id"], partition_key=None),
    Bad("partition key unknown", ["partition_key", "'id'", "its fields are order_id"], partition_key="id"),
    Bad("partition key a list", ["partition_key", "['order_id']"], partition_key=["order_id"]),
    Bad(
        "sort key unknown",
        ["sort_key", "'date'", "its fields are"],
        partition_key="order_id",
        sort_key="date",
    ),
    Bad("sort key empty", ["sort_key", "''"], partition_key="order_id", sort_key=""),
    Bad("sort key twice", ["sort_key", "name another"], partition_key="order_id", sort_key="order_id"),
    Bad("optional key", ["note", "may be None", "required"], partition_key="note"),
    Bad("optional sort key", ["note", "may be None"], partition_key="order_id", sort_key="note"),
    Bad("list as key", ["lines", "list[str]", "use one text"], partition_key="lines"),
    Bad("map as index key", ["options", "dict[str, str]"], **gsi(partition_key="options")),
    Bad("unknown name", ["'partitionkey'", "known are gsis"], partition_key="order_id", partitionkey="x"),
    Bad("gsis a dict", ["gsis must be a list"], partition_key="order_id", gsis={"name": "Index"}),
    Bad("gsis None", ["gsis must be a list"], partition_key="order_id", gsis=None),
    Bad("gsi a text", ["'Index'", "dict or GSI(...)"], partition_key="order_id", gsis=["Index"]),
    Bad("lsi in gsis", ["gsis", "GSI(...)"], partition_key="order_id", gsis=[LSI("Index", "total")]),
    Bad(
        "gsi without a name",
        ["'name'", "name, partition_key"],
        partition_key="order_id",
        gsis=[{"partition_key": "note"}],
    ),
    Bad("gsi without a key", ["partition_key"], partition_key="order_id", gsis=[{"name": "Index"}]),
    Bad("gsi with more", ["'hash_key'", "an index has"], **gsi(hash_key="note")),
    Bad("index name short", ["'ab'", "3 to 255"], **gsi(name="ab")),
    Bad("index name with a space", ["'by status'"], **gsi(name="by status")),
    Bad("index name a number", ["17"], **gsi(name=17)),
    Bad("index key unknown", ["Index", "'id'", "its fields are"], **gsi(partition_key="id")),
    Bad("index sort key unknown", ["sort_key of Index", "'id'"], **gsi(sort_key="id")),
    Bad("index key twice", ["Index", "twice"], **gsi(sort_key="customer")),
    Bad("no index keys", ["Index", "0 attributes"], **gsi(partition_key=[])),
    Bad(
        "five index keys",
        ["Index", "5 attributes", "1 to 4"],
        **gsi(partition_key=["customer", "status", "urgent", "total", "note"]),
    ),
    Bad("projection a word", ["Index", "'SOME'", "KEYS_ONLY"], **gsi(projection="SOME")),
    Bad("projection unknown", ["projection of Index", "'id'"], **gsi(projection=["id"])),
    Bad("projection empty", ["projection of Index", "KEYS_ONLY"], **gsi(projection=[])),
    Bad(
        "index twice",
        ["two indexes", "'Index'"],
        partition_key="order_id",
        gsis=[GSI("Index", "note"), GSI("Index", "total")],
    ),
    Bad(
        "gsi and lsi of one name",
        ["two indexes"],
        partition_key="order_id",
        sort_key="customer",
        gsis=[GSI("Index", "note")],
        lsis=[LSI("Index", "total")],
    ),
    Bad(
        "21 gsis",
        ["at most 20"],
        partition_key="order_id",
        gsis=[GSI(f"Index{number}", "note") for number in range(21)],
    ),
    Bad(
        "6 lsis",
        ["at most", "5 local"],
        partition_key="order_id",
        sort_key="customer",
        lsis=[LSI(f"Index{number}", "total") for number in range(6)],
    ),
    Bad(
        "lsi without a sort key",
        ["lsis", "add sort_key"],
        partition_key="order_id",
        lsis=[LSI("Index", "total")],
    ),
    Bad(
        "lsi on the partition key",
        ["Index", "another"],
        partition_key="order_id",
        sort_key="customer",
        lsis=[LSI("Index", "order_id")],
    ),
    Bad(
        "lsi unknown",
        ["sort_key of Index", "'id'"],
        partition_key="order_id",
        sort_key="customer",
        lsis=[LSI("Index", "id")],
    ),
    Bad("ttl unknown", ["ttl", "'gone'"], partition_key="order_id", ttl="gone"),
    Bad(
        "ttl a text",
        ["ttl", "note", "seconds since 1970", "or a datetime"],
        partition_key="order_id",
        ttl="note",
    ),
    Bad("version a text", ["version", "note", "int"], partition_key="order_id", version="note"),
    Bad("unique a text", ["unique", "list of attributes"], partition_key="order_id", unique="note"),
    Bad("unique unknown", ["unique", "'id'"], partition_key="order_id", unique=["id"]),
    Bad("table name empty", ["''", "table_name"], partition_key="order_id", table_name=""),
    Bad("table name with a space", ["'my orders'", "a-z"], partition_key="order_id", table_name="my orders"),
    Bad("table name a number", ["17"], partition_key="order_id", table_name=17),
]


@pytest.mark.parametrize("bad", WRONG, ids=lambda bad: bad.name)
def test_a_wrong_meta_is_one_error_that_names_the_model_the_attribute_and_the_mend(bad: Bad) -> None:
    with pytest.raises(MetaError) as caught:
        schema_of(with_meta(**bad.meta))
    assert caught.value.message.startswith("Order.Meta: ")
    for text in bad.says:
        assert text in caught.value.message
    assert caught.value.context == {"model": "Order"}


@pytest.mark.parametrize(
    "annotation", [str | int, Literal["a", 1], Mixed, Any, object, set[str], Order, complex]
)
def test_a_key_that_is_not_of_one_key_type_is_refused(annotation: Any) -> None:
    with pytest.raises(MetaError, match=r"Keyed.Meta: key is a key, but .* use one text, number"):
        schema_of(key_of(annotation))


def test_a_key_whose_type_is_not_defined_yet_is_refused_and_compiles_later() -> None:
    model = key_of("Undefined")
    with pytest.raises(
        MetaError, match=r"the type of key is not known yet: define it, or call model_rebuild"
    ):
        schema_of(model)
    model.model_rebuild(_types_namespace={"Undefined": str})
    assert schema_of(model).key_types == {"key": "S"}


def test_a_model_without_a_meta_is_told_what_to_add() -> None:
    with pytest.raises(
        MetaError, match=r"Order.Meta: it has no inner class Meta: add `class Meta: partition_key"
    ):
        schema_of(Order)


def test_a_meta_that_is_no_class_is_refused() -> None:
    class Dict(BaseModel):
        key: str
        Meta: ClassVar[Any] = {"partition_key": "key"}

    with pytest.raises(MetaError, match=r"Dict.Meta: it is a dict, no class"):
        schema_of(Dict)


@pytest.mark.parametrize(
    "given", [str, "Order", None, Order(order_id="1", customer="c", placed_at=datetime(2026, 1, 1))]
)
def test_what_is_no_model_class_is_refused(given: Any) -> None:
    with pytest.raises(MetaError, match="give the class, not an instance"):
        schema_of(given)


def test_the_table_name_is_only_needed_where_it_is_asked_for() -> None:
    schema = schema_of(with_meta(partition_key="order_id"))
    with pytest.raises(
        MetaError, match=r'Order.Meta has no table_name: add for example table_name = "orders"'
    ):
        _ = schema.table_name


def test_an_expiry_time_that_is_a_key_of_an_index_is_a_number() -> None:
    class Lease(BaseModel):
        id: str
        owner: str
        ends: datetime

        class Meta:
            partition_key = "id"
            ttl = "ends"
            gsis: ClassVar = [GSI("ByOwner", "owner", "ends")]

    assert schema_of(Lease).key_types == {"id": "S", "owner": "S", "ends": "N"}


def test_what_is_known_of_a_class_is_known_as_long_as_there_is_the_class(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("dynamodb_wrapper.schema.compile.MOST_AT_HAND", 1)
    kept = with_meta(partition_key="order_id")
    schema = schema_of(kept)
    gone = [weakref.ref(_used(with_meta(partition_key="order_id"))) for _ in range(5)]
    assert schema_of(kept) is schema
    gc.collect()
    assert [model() for model in gone] == [None] * 5


def _used(model: type[BaseModel]) -> type[BaseModel]:
    codec = schema_of(model).codec
    order = codec.decode({"order_id": {"S": "1"}, "customer": {"S": "c"}, "placed_at": {"S": "2026-01-01"}})
    assert codec.encode(order)["order_id"] == {"S": "1"}
    return model


def test_a_class_that_is_pickled_by_its_value_leaves_its_description_behind() -> None:
    assert pickle.loads(pickle.dumps(schema_of(with_meta(partition_key="order_id")))) is None


@pytest.mark.parametrize(
    ("given", "what"), [({}, "a dict"), (None, "a NoneType"), (Order, "the class Order")]
)
def test_what_is_no_item_has_no_table(given: Any, what: str) -> None:
    with pytest.raises(ValidationError, match=f"put takes an item, such as .*, and {what} was given"):
        schema_of_item(given)
