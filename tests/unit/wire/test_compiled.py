from __future__ import annotations

import copy
import pickle
import threading
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import IntEnum, StrEnum
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, TypeVar
from uuid import UUID

import msgspec
import pytest
from pydantic import (
    AfterValidator,
    AliasChoices,
    AliasPath,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Json,
    PlainSerializer,
    PrivateAttr,
    SecretStr,
    WrapSerializer,
    field_serializer,
    field_validator,
    model_serializer,
    model_validator,
)

from dynamodb_wrapper.exceptions import ConnectionError, ValidationError
from dynamodb_wrapper.wire.compiled import Codec, attribute_names
from dynamodb_wrapper.wire.values import encode_item

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
T = TypeVar("T")


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


class Cat(BaseModel):
    kind: Literal["cat"] = "cat"
    lives: int = 9


class Dog(BaseModel):
    kind: Literal["dog"] = "dog"
    bark: str | None = None


class Tree(BaseModel):
    value: int
    children: list[Tree] = []


class Box(BaseModel, Generic[T]):
    content: T


@dataclass
class Point:
    x: int
    label: str | None = None


class Run(BaseModel):
    run_id: str
    active: bool = True
    started: datetime = NOON
    stages: list[Stage] = []
    note: str | None = None
    retries: int | None = 3
    config: dict[str, Any] = {}


class Everything(BaseModel):
    text: str = "é"
    whole: int = 10**37
    ratio: float = 0.1
    price: Decimal = Decimal("1.50")
    binary: bytes = b"\x00\xff"
    yes: bool = True
    at: datetime = NOON
    day: date = date(2026, 1, 31)
    uuid: UUID = UUID(int=7)
    path: Path = Path("/a/b")
    wait: timedelta = timedelta(hours=1, microseconds=7)
    secret: SecretStr = SecretStr("hidden")
    status: Status = Status.FAILED
    level: Level = Level.HIGH
    choice: Literal["a", "b"] = "a"
    best: Stage | None = None
    stages: list[Stage] = []
    by_name: dict[str, Stage] = {}
    by_status: dict[Status, int] = {}
    pet: Annotated[Cat | Dog, Field(discriminator="kind")] = Cat()
    pets: list[Cat | Dog] = []
    tree: Tree = Tree(value=1)
    box: Box[int] = Box[int](content=1)
    point: Point = Point(1)
    texts: set[str] = set()
    numbers: frozenset[Decimal] = frozenset()
    uuids: set[UUID] = set()
    pair: tuple[int, str] = (1, "a")
    either: int | str = "1"
    document: Json[list[int]] = []
    matrix: list[list[Decimal]] = []
    moments: list[datetime] = []
    anything: Any = None
    aliased: int = Field(1, alias="Aliased")


def body(*items: dict[str, Any], **more: Any) -> bytes:
    return msgspec.json.encode({"Items": items, "Count": len(items), "ScannedCount": len(items), **more})


def read_both_ways(codec: Codec[Any], item: dict[str, Any]) -> Any:
    """What the compiled and the generic decoder make of an item, once it is sure that they agree."""
    read = codec.read_item(msgspec.json.encode({"Item": item}))
    assert read == codec.decode(item)
    assert read.model_fields_set == codec.decode(item).model_fields_set
    assert codec.read_page(body(item)).items == [read]
    return read


def test_every_type_comes_back_as_it_was() -> None:
    codec = Codec(Everything)
    instance = Everything(
        best=Stage(name="a", at=NOON, seconds=Decimal("1E+5")),
        stages=[Stage(name="b", flag=False)],
        by_name={"k": Stage(name="c")},
        by_status={Status.FAILED: 1},
        pet=Dog(bark="w"),
        pets=[Cat(), Dog()],
        tree=Tree(value=1, children=[Tree(value=2)]),
        texts={"a", "b"},
        numbers=frozenset({Decimal("1.5"), Decimal(2)}),
        uuids={UUID(int=1)},
        document="[1,2]",
        matrix=[[Decimal("0.1")], []],
        moments=[NOON],
        anything={"a": [1, None, {"b": {"c"}}]},
        Aliased=5,
    )
    read = read_both_ways(codec, codec.encode(instance))
    assert read == instance
    assert read.at.tzinfo is UTC
    assert (type(read.ratio), type(read.price), type(read.whole)) == (float, Decimal, int)


def test_plain_values_are_what_the_wire_form_holds() -> None:
    codec = Codec(Run, ("run_id", "active"))
    run = Run(run_id="r", stages=[Stage(name="a", seconds=Decimal("1.5"))], config={"ratio": 0.5})
    plain = codec.to_plain(run)
    assert encode_item(plain) == codec.encode(run)
    assert codec.from_plain(plain) == run
    assert plain["active"] == "true"
    assert plain["config"] == {"ratio": Decimal("0.5")}


def test_boto3s_values_are_read() -> None:
    from boto3.dynamodb.types import Binary

    class Blob(BaseModel):
        data: bytes
        n: int

    assert Codec(Blob).from_plain({"data": Binary(b"x"), "n": Decimal(5)}) == Blob(data=b"x", n=5)


class TestBooleans:
    class Flags(BaseModel):
        id: str
        key: bool | None = None
        other: bool = False
        text: str = "true"
        inner: dict[str, bool] = {}

    codec = Codec(Flags, ("id", "key"))

    def test_a_key_is_stored_as_text_and_every_other_as_bool(self) -> None:
        flags = self.Flags(id="x", key=False, other=True, inner={"key": True})
        assert self.codec.encode(flags) == {
            "id": {"S": "x"},
            "key": {"S": "false"},
            "other": {"BOOL": True},
            "text": {"S": "true"},
            "inner": {"M": {"key": {"BOOL": True}}},
        }

    @pytest.mark.parametrize("key", [{"S": "true"}, {"BOOL": True}])
    @pytest.mark.parametrize("other", [{"S": "true"}, {"BOOL": True}])
    def test_both_forms_are_read_in_both_places(self, key: dict[str, Any], other: dict[str, Any]) -> None:
        item = {"id": {"S": "x"}, "key": key, "other": other, "text": {"S": "true"}}
        assert read_both_ways(self.codec, item) == self.Flags(id="x", key=True, other=True, text="true")

    def test_a_key_of_an_open_type_is_stored_as_text_too(self) -> None:
        class Open(BaseModel):
            key: Any = None
            either: bool | int = True

        encoded = Codec(Open, ("key", "either")).encode(Open(key=False))
        assert encoded == {"key": {"S": "false"}, "either": {"S": "true"}}

    def test_a_key_in_a_condition_is_text_too(self) -> None:
        assert self.codec.encode_attribute("key", True) == {"S": "true"}
        assert self.codec.encode_attribute("other", True) == {"BOOL": True}


class Direct(BaseModel):
    id: str
    state: str | None = "open"


class Validated(BaseModel):
    id: str = Field(min_length=1)
    state: str | None = "open"


class Made(BaseModel):
    id: str
    state: str | None = Field(default_factory=lambda: "open")


class Dumped(BaseModel):
    id: str
    state: Annotated[str | None, PlainSerializer(lambda value: value)] = "open"


class Either(BaseModel):
    id: str
    state: str | int | None = "open"


class Frozen(BaseModel, frozen=True, extra="forbid"):
    id: str
    state: str | None = "open"


class Aliased(BaseModel, populate_by_name=True):
    id: str
    state: str | None = Field("open", alias="state")


class Allowing(BaseModel, extra="allow"):
    id: str
    state: str | None = "open"


SPARSE: dict[str, Any] = {
    model.__name__: model for model in (Direct, Validated, Made, Dumped, Either, Frozen, Aliased, Allowing)
}


class TestNone:
    def test_it_is_left_out_where_it_is_the_default_and_where_it_is_a_key(self) -> None:
        codec = Codec(Run, ("run_id", "retries"))
        item = codec.encode(Run(run_id="r", note=None, retries=None))
        assert "note" not in item
        assert "retries" not in item

    def test_a_key_that_was_left_out_is_none_even_where_a_value_is_required(self) -> None:
        class Sparse(BaseModel):
            id: str
            owner: str | None
            anything: Any

        codec = Codec(Sparse, ("id", "owner", "anything"))
        sparse = Sparse(id="x", owner=None, anything=None)
        assert codec.encode(sparse) == {"id": {"S": "x"}}
        assert read_both_ways(codec, codec.encode(sparse)) == sparse

    @pytest.mark.parametrize("kind", SPARSE)
    def test_a_key_that_was_left_out_is_none_whatever_its_default(self, kind: str) -> None:
        model = SPARSE[kind]
        codec = Codec(model, ("id", "state"))
        closed = model(id="x", state=None)
        assert codec.encode(closed) == {"id": {"S": "x"}}
        read = read_both_ways(codec, codec.encode(closed))
        assert read == closed
        assert read.state is None
        assert read.model_fields_set == {"id"}
        assert read_both_ways(codec, codec.encode(model(id="x"))).state == "open"
        assert model(id="x").state == "open"
        other = Codec(model, ("id",))  # of which it is no key: None is stored as NULL there
        assert read_both_ways(other, {"id": {"S": "x"}}).state == "open"
        assert read_both_ways(other, other.encode(closed)).state is None

    def test_a_key_of_an_older_name_is_read(self) -> None:
        class Renamed(BaseModel):
            id: str
            state: str | None = Field("open", validation_alias=AliasChoices("state", "status"))
            owner: str | None = Field(validation_alias=AliasChoices("owner", "user"))

        codec = Codec(Renamed, ("id", "state", "owner"))
        item = {"id": {"S": "x"}, "status": {"S": "closed"}, "user": {"S": "ada"}}
        read = read_both_ways(codec, item)
        assert (read.state, read.owner) == ("closed", "ada")
        read = read_both_ways(codec, {"id": {"S": "x"}})
        assert (read.state, read.owner) == (None, None)

    def test_a_key_that_the_model_does_not_let_be_none_has_its_default(self) -> None:
        def refuse_none(value: Any) -> Any:
            assert value is not None
            return value

        class Never(BaseModel):
            id: str
            plain: str = "a"
            refusing: Annotated[str | None, AfterValidator(refuse_none)] = "b"
            filling: Annotated[str | None, BeforeValidator(lambda value: value or "open")] = "c"
            dumped: Annotated[str, PlainSerializer(lambda value: value)] = "d"

        codec = Codec(Never, ("id", "plain", "refusing", "filling", "dumped"))
        assert read_both_ways(codec, {"id": {"S": "x"}}) == Never(id="x")

    def test_a_key_that_cannot_be_none_is_never_left_out(self) -> None:
        def as_it_is(value: Any, handler: Any) -> Any:
            return handler(value)

        class Strict(BaseModel):
            id: str
            owner: str
            flag: bool = False
            tag: Annotated[str, WrapSerializer(as_it_is)]

        codec = Codec(Strict, ("id", "owner", "flag", "tag"))
        strict = Strict(id="x", owner="o", tag="t")
        for name in codec.key_attributes:
            wrong = strict.model_copy(update={name: None})
            with pytest.raises(ValidationError, match=f"Strict cannot be stored: {name}: cannot be None"):
                codec.encode(wrong)
            with pytest.raises(ValidationError, match=f"{name}: cannot be None or removed"):
                codec.encode_attribute(name, None, constraints=True)
            assert not codec.leaves_none_out(name)

    def test_elsewhere_it_is_null_and_comes_back(self) -> None:
        codec = Codec(Run)
        item = codec.encode(Run(run_id="r", retries=None))
        assert item["retries"] == {"NULL": True}
        assert read_both_ways(codec, item).retries is None

    def test_a_null_that_another_program_stored_is_read(self) -> None:
        assert read_both_ways(Codec(Run), {"run_id": {"S": "r"}, "note": {"NULL": True}}).note is None

    def test_it_is_no_key(self) -> None:
        with pytest.raises(ValidationError, match="None cannot be a key"):
            Codec(Run, ("note",)).encode_attribute("note", None)


class TestDatetimes:
    codec = Codec(Run)

    @pytest.mark.parametrize(
        "text",
        [
            "2026-01-31T12:00:00Z",
            "2026-01-31T13:30:00.000000+01:30",
            "2026-01-31T12:00:00",
            "2026-01-31T12:00:00.000",
        ],
    )
    def test_every_stored_form_is_read_as_utc(self, text: str) -> None:
        item: dict[str, Any] = {
            "run_id": {"S": "r"},
            "started": {"S": text},
            "stages": {"L": [{"M": {"name": {"S": "a"}, "at": {"S": text}}}]},
        }
        run = read_both_ways(self.codec, item)
        assert run.started == run.stages[0].at == NOON
        assert run.started.tzinfo is run.stages[0].at.tzinfo is UTC
        assert self.codec.decode(item).started.tzinfo is UTC

    def test_they_are_stored_in_utc_and_sort_as_text(self) -> None:
        moments = [NOON + timedelta(microseconds=n) for n in (-1, 0, 1, 10**6)]
        shifted = [moment.astimezone(timezone(timedelta(hours=n))) for n, moment in enumerate(moments)]
        stored = [self.codec.encode(Run(run_id="r", started=moment))["started"]["S"] for moment in shifted]
        assert stored == sorted(stored)
        assert stored[1] == "2026-01-31T12:00:00.000000+00:00"

    def test_a_naive_one_is_refused_by_path(self) -> None:
        run = Run(
            run_id="r", started=datetime(2026, 1, 31), stages=[Stage(name="a", at=datetime(2026, 1, 31))]
        )
        with pytest.raises(ValidationError, match="without a time zone") as refused:
            self.codec.encode(run)
        assert list(refused.value.errors) == ["started", "stages[0].at"]
        with pytest.raises(ValidationError, match="without a time zone"):
            self.codec.encode_attribute("started", "2026-01-31T12:00:00")

    def test_a_text_in_a_condition_becomes_the_stored_form(self) -> None:
        assert self.codec.encode_attribute("started", "2026-01-31T14:00+02:00") == {
            "S": "2026-01-31T12:00:00.000000+00:00"
        }


class TestUnknownAttributes:
    codec = Codec(Everything, ("text",))

    @pytest.fixture
    def stored(self) -> dict[str, Any]:
        item: dict[str, Any] = self.codec.encode(
            Everything(
                best=Stage(name="a"), stages=[Stage(name="b")], by_name={"k": Stage(name="c")}, pets=[Dog()]
            )
        )
        inner = (
            item["best"],
            item["stages"]["L"][0],
            item["by_name"]["M"]["k"],
            item["pet"],
            item["pets"]["L"][0],
            item["tree"],
        )
        for number, each in enumerate(inner):
            each["M"]["future"] = {"S": f"kept {number}"}
        item["future"] = {"L": [{"N": "1E+100"}, {"NS": ["1", "2"]}, {"B": "AP8="}]}
        return item

    def test_they_survive_a_read_and_a_write(self, stored: dict[str, Any]) -> None:
        read = self.codec.read_item(msgspec.json.encode({"Item": stored}))
        assert read is not None
        assert self.codec.encode(read) == stored
        assert read.model_extra is not None
        assert "future" not in read.model_dump()

    def test_they_survive_copies(self, stored: dict[str, Any]) -> None:
        read = self.codec.decode(stored)
        assert self.codec.encode(copy.deepcopy(read)) == stored
        changed = self.codec.encode(read.model_copy(update={"whole": 1}))
        assert changed == {**stored, "whole": {"N": "1"}}

    def test_they_survive_pickling(self) -> None:
        run = Codec(Run).decode({"run_id": {"S": "r"}, "future": {"N": "1"}})
        assert Codec(Run).encode(pickle.loads(pickle.dumps(run)))["future"] == {"N": "1"}

    def test_a_model_that_forbids_them_keeps_them_as_well(self) -> None:
        class Closed(BaseModel):
            model_config = ConfigDict(extra="forbid", frozen=True)
            id: str

        item = {"id": {"S": "x"}, "future": {"N": "1"}}
        read = read_both_ways(Codec(Closed), item)
        assert Codec(Closed).encode(read) == item

    def test_a_model_that_allows_them_has_them_from_pydantic(self) -> None:
        class Open(BaseModel):
            model_config = ConfigDict(extra="allow")
            id: str

        item = {"id": {"S": "x"}, "future": {"N": "1"}}
        for keep_unknown in (True, False):
            codec = Codec(Open, keep_unknown=keep_unknown)
            assert codec.encode(read_both_ways(codec, item)) == item

    def test_a_view_does_not_keep_them(self, stored: dict[str, Any]) -> None:
        view = read_both_ways(Codec(Everything, keep_unknown=False), stored)
        assert view.model_extra is None
        assert view.best.model_extra is None

    def test_what_was_not_fetched_is_visible(self) -> None:
        assert read_both_ways(
            Codec(Run), {"run_id": {"S": "r"}, "note": {"NULL": True}}
        ).model_fields_set == {"run_id", "note"}


class TestRefusals:
    codec = Codec(Run, ("run_id",))

    def test_an_item_that_does_not_fit_names_model_table_key_and_paths(self) -> None:
        item = {"run_id": {"S": "r7"}, "retries": {"S": "many"}, "stages": {"L": [{"M": {}}]}}
        with pytest.raises(ValidationError) as refused:
            self.codec.read_page(body({"run_id": {"S": "r6"}}, item), table="runs")
        error = refused.value
        assert sorted(error.errors) == ["retries", "stages[0].name"]
        assert error.context == {"model": "Run", "table": "runs", "key": {"run_id": "r7"}}
        assert all(part in error.message for part in ("Run", "runs", "r7", "stages[0].name"))

    def test_a_refused_value_is_not_repeated(self) -> None:
        with pytest.raises(ValidationError) as refused:
            self.codec.decode({"run_id": {"S": "r"}, "retries": {"S": "hunter2"}})
        assert "hunter2" not in refused.value.message

    @pytest.mark.parametrize(
        ("name", "value", "path"),
        [
            ("retries", "many", "retries"),
            ("retries", 10**38 + 1, "retries"),
            ("run_id", 5, "run_id"),
            ("config", "text", "config"),
            ("config", {"a": [{1: 2}]}, "config.a[0].1"),
            ("config", {"a": Decimal("NaN")}, "config.a"),
            ("stages", [Cat()], "stages[0]"),
            ("stages", [Stage(name="a", seconds=Decimal("1E+126"))], "stages[0].seconds"),
        ],
    )
    def test_a_value_that_is_not_of_its_fields_type_is_not_stored(
        self, name: str, value: Any, path: str
    ) -> None:
        run = Run(run_id="r").model_copy(update={name: value})
        with pytest.raises(ValidationError) as refused:
            self.codec.encode(run)
        assert list(refused.value.errors) == [path]
        assert "Run cannot be stored" in refused.value.message

    def test_a_value_that_pydantic_takes_for_the_fields_type_is_stored_as_that(self) -> None:
        run = Run(run_id="r").model_copy(update={"retries": "7", "started": "2026-01-31T12:00:00Z"})
        encoded = self.codec.encode(run)
        assert (encoded["retries"], encoded["started"]) == (
            {"N": "7"},
            {"S": "2026-01-31T12:00:00.000000+00:00"},
        )

    def test_a_half_made_instance_is_refused(self) -> None:
        with pytest.raises(ValidationError, match="run_id: this field was never given a value"):
            self.codec.encode(Run.model_construct())  # type: ignore[call-arg]

    def test_an_instance_of_another_model_is_refused(self) -> None:
        with pytest.raises(ValidationError, match="Stage is no Run"):
            self.codec.encode(Stage(name="a"))  # type: ignore[arg-type]

    def test_a_config_that_contains_itself_is_refused(self) -> None:
        run = Run(run_id="r")
        run.config["self"] = run.config
        with pytest.raises(ValidationError, match="contains itself"):
            self.codec.encode(run)

    @pytest.mark.parametrize("reply", [b"", b"<html></html>", b'{"Item":'])
    def test_a_broken_reply_is_a_connection_error(self, reply: bytes) -> None:
        with pytest.raises(ConnectionError):
            self.codec.read_item(reply)
        with pytest.raises(ConnectionError):
            self.codec.read_page(reply)


class TestOneAttribute:
    class Priced(BaseModel):
        id: str = Field(alias="Id", pattern="^p-")
        price: Decimal = Field(ge=0)
        status: Status = Status.RUNNING
        tags: set[str] = set()
        best: Stage | None = None

    codec = Codec(Priced, ("Id",))

    @pytest.mark.parametrize(
        ("name", "value", "wire"),
        [
            ("Id", "p-1", {"S": "p-1"}),
            ("Id", "p", {"S": "p"}),
            ("price", 5, {"N": "5"}),
            ("price", 0.1, {"N": "0.1"}),
            ("price", -1, {"N": "-1"}),
            ("status", Status.FAILED, {"S": "failed"}),
            ("status", "failed", {"S": "failed"}),
            ("tags", {"a"}, {"SS": ["a"]}),
            ("tags", ["a"], {"SS": ["a"]}),
            ("tags", set(), {"L": []}),
            ("best", None, {"NULL": True}),
            (
                "best",
                {"name": "a", "flag": "false"},
                {"M": {"name": {"S": "a"}, "status": {"S": "running"}, "flag": {"BOOL": False}}},
            ),
            ("unknown", [1, {"a"}], {"L": [{"N": "1"}, {"SS": ["a"]}]}),
        ],
    )
    def test_it_is_encoded_by_its_fields_type(self, name: str, value: Any, wire: dict[str, Any]) -> None:
        assert self.codec.encode_attribute(name, value) == wire

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("Id", 5),
            ("price", "cheap"),
            ("price", None),
            ("status", "gone"),
            ("tags", "a"),
            ("best", {"flag": 7}),
            ("unknown", object()),
        ],
    )
    def test_a_value_of_the_wrong_type_is_refused_by_name(self, name: str, value: Any) -> None:
        with pytest.raises(ValidationError) as refused:
            self.codec.encode_attribute(name, value)
        assert all(path.startswith(name) for path in refused.value.errors)

    @pytest.mark.parametrize(("name", "value"), [("Id", "q-1"), ("price", -1)])
    def test_a_value_to_be_stored_must_keep_the_constraints(self, name: str, value: Any) -> None:
        with pytest.raises(ValidationError):
            self.codec.encode_attribute(name, value, constraints=True)
        assert self.codec.encode_attribute("Id", "p-1", constraints=True) == {"S": "p-1"}

    def test_it_obeys_the_serializer_of_its_field(self) -> None:
        class Expiring(BaseModel):
            expires: datetime | None = None

            @field_serializer("expires")
            def epoch(self, value: datetime | None) -> int | None:
                return None if value is None else int(value.timestamp())

        codec = Codec(Expiring)
        for constraints in (True, False):
            assert codec.encode_attribute("expires", NOON, constraints=constraints) == {"N": "1769860800"}
            assert codec.encode_attribute("expires", None, constraints=constraints) == {"NULL": True}
        with pytest.raises(ValidationError):
            codec.encode_attribute("expires", "soon")

    def test_attributes_are_named_by_alias(self) -> None:
        assert attribute_names(self.Priced)["id"] == "Id"


class TestModelsOfAllKinds:
    def test_strict_models_are_read(self) -> None:
        class Strict(BaseModel):
            model_config = ConfigDict(strict=True)
            at: datetime
            status: Status
            texts: set[str]
            ratio: float

        codec = Codec(Strict)
        instance = Strict(at=NOON, status=Status.FAILED, texts={"a"}, ratio=0.5)
        assert read_both_ways(codec, codec.encode(instance)) == instance

    def test_validators_run_on_reading_and_not_on_writing(self) -> None:
        class Checked(BaseModel):
            n: int
            seen: list[int] = []

            @field_validator("n")
            @classmethod
            def plus_one(cls, value: int) -> int:
                return value + 1

            @model_validator(mode="before")
            @classmethod
            def old_name(cls, data: Any) -> Any:
                return {**data, "n": data["number"]} if "number" in data else data

        codec = Codec(Checked)
        assert codec.encode(Checked(n=1)) == {"n": {"N": "2"}, "seen": {"L": []}}
        assert codec.decode({"number": {"N": "5"}}).n == 6

    @pytest.mark.parametrize("keep_unknown", [True, False])
    def test_attributes_beyond_the_fields_are_there_for_validation(self, keep_unknown: bool) -> None:
        class Renamed(BaseModel):
            name: str = Field("", validation_alias=AliasChoices("name", "title"))
            first: str = Field("", validation_alias=AliasPath("names", 0))

        class Migrated(BaseModel):
            name: str = ""

            @model_validator(mode="before")
            @classmethod
            def from_title(cls, data: Any) -> Any:
                return {"name": data["title"], **data} if "title" in data else data

        item = {"title": {"S": "old"}, "names": {"L": [{"S": "a"}]}}
        renamed = read_both_ways(Codec(Renamed, keep_unknown=keep_unknown), item)
        assert (renamed.name, renamed.first) == ("old", "a")
        with pytest.raises(ValidationError, match="first: this field is read from inside another attribute"):
            Codec(Renamed).encode(renamed)
        assert read_both_ways(Codec(Migrated, keep_unknown=keep_unknown), item).name == "old"

    def test_serializers_are_obeyed(self) -> None:
        class Expiring(BaseModel):
            expires: datetime | None = None

            @field_serializer("expires")
            def epoch(self, value: datetime | None) -> int | None:
                return None if value is None else int(value.timestamp())

        codec = Codec(Expiring)
        item = codec.encode(Expiring(expires=NOON))
        assert item == {"expires": {"N": "1769860800"}}
        assert read_both_ways(codec, item).expires == NOON
        assert codec.encode(Expiring()) == {}

        class Turned(BaseModel):
            x: int

            @model_serializer
            def turned(self) -> dict[str, str]:
                return {"x": str(self.x)}

        assert Codec(Turned).encode(Turned(x=5)) == {"x": {"S": "5"}}
        assert read_both_ways(Codec(Turned), {"x": {"S": "5"}}).x == 5

    def test_private_attributes_and_excluded_fields_stay_out(self) -> None:
        class Quiet(BaseModel):
            id: str
            handle: Any = Field(None, exclude=True)
            _cache: int = PrivateAttr(1)

        codec = Codec(Quiet)
        item = codec.encode(Quiet(id="x", handle=object()))
        assert item == {"id": {"S": "x"}}
        assert read_both_ways(codec, item)._cache == 1

    def test_forward_references_and_deferred_models_are_completed(self) -> None:
        class Late(BaseModel):
            model_config = ConfigDict(defer_build=True)
            stages: list[Stage] = []

        assert read_both_ways(Codec(Late), {"stages": {"L": [{"M": {"name": {"S": "a"}}}]}}).stages == [
            Stage(name="a")
        ]

    def test_generic_and_inherited_models_are_codecs_of_their_own(self) -> None:
        class Child(Run):
            more: Decimal = Decimal(1)

        child = Child(run_id="r")
        assert read_both_ways(Codec(Child), Codec(Child).encode(child)) == child
        assert Codec(Run).encode(child) == Codec(Child).encode(child)
        assert read_both_ways(Codec(Box[Stage]), {"content": {"M": {"name": {"S": "a"}}}}).content == Stage(
            name="a"
        )

    def test_an_attribute_name_that_no_struct_can_have_is_read(self) -> None:
        class Odd(BaseModel):
            x: int = Field(alias='a"\\\n')

        item = {'a"\\\n': {"N": "1"}}
        codec = Codec(Odd)
        assert codec.encode(read_both_ways(codec, item)) == item

    def test_defaults_from_a_factory_are_made_for_each_item(self) -> None:
        class Made(BaseModel):
            tags: list[str] = Field(default_factory=list)
            none: str | None = Field(default_factory=lambda: None)

        first, second = Codec(Made).read_page(body({}, {})).items
        assert first.tags is not second.tags
        assert Codec(Made).encode(first) == {"tags": {"L": []}, "none": {"NULL": True}}


def test_a_page_carries_its_counts_and_its_key_in_wire_form() -> None:
    key = {"run_id": {"S": "r"}}
    page = Codec(Run).read_page(body(key, LastEvaluatedKey=key, ConsumedCapacity={"CapacityUnits": 0.5}))
    assert (page.count, page.scanned_count, page.last_evaluated_key) == (1, 1, key)
    assert page.consumed_capacity == {"CapacityUnits": 0.5}
    assert Codec(Run).read_page(b'{"Items":[],"Count":0,"LastEvaluatedKey":{}}').last_evaluated_key is None


def test_an_item_is_read_from_its_member_or_is_none() -> None:
    codec = Codec(Run)
    assert codec.read_item(b"{}") is None
    assert codec.read_item(b'{"Attributes":{"run_id":{"S":"r"}}}', "Attributes") == Run(run_id="r")


def test_threads_that_meet_at_the_first_use_agree() -> None:
    codec = Codec(Everything)
    instance = Everything()
    item = Codec(Everything).encode(instance)
    results: list[bool] = []
    gate = threading.Barrier(4)

    def use() -> None:
        gate.wait()
        results.append(codec.encode(instance) == item and codec.read_page(body(item)).items == [instance])

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 4


class Tagged(BaseModel):
    tags: set[str] = Field(default_factory=set)
    codes: frozenset[int] = frozenset()
    some: set[str] = {"x"}
    needed: set[str]


def test_an_empty_set_is_left_out_where_reading_restores_it() -> None:
    codec = Codec(Tagged)
    empty = Tagged(needed=set(), some=set())
    assert codec.encode(empty) == {"some": {"L": []}, "needed": {"L": []}}
    assert codec.decode(codec.encode(empty)) == empty
    assert codec.decode({"some": {"L": []}}) == empty
    full = Tagged(tags={"a"}, codes=frozenset({1}), needed={"b"})
    assert codec.encode(full)["tags"] == {"SS": ["a"]}
    assert codec.decode(codec.encode(full)) == full
    inside = encode_item({"it": empty})["it"]
    assert inside == {"M": codec.encode(empty)}
