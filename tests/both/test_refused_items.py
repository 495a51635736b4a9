"""Items that cannot be stored as they should be are refused, however they are written; nothing is sent."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any, ClassVar

import pytest
from boto3.dynamodb.conditions import Attr
from pydantic import Field
from tests.conftest import AwaitableFace

from dynamodb_wrapper import GSI, DynamoDB, DynamoDBModel, put
from dynamodb_wrapper.engine.events import CallStarted
from dynamodb_wrapper.exceptions import ConditionalCheckFailedError, ValidationError

ENGINES = ("dynoxide",)


class Parcel(DynamoDBModel):
    id: str
    town: str
    bay: str | None = None
    weight: int = 0
    note: str = ""

    class Meta:
        table_name = "parcels"
        partition_key = "id"
        gsis = (GSI("ByTown", "town", "weight"), GSI("ByBay", "bay"))


STORED = {"id": "1", "town": "Oslo", "weight": 0, "note": ""}


@pytest.fixture
def table(tables: Any, boto3_table: Any) -> Iterator[Any]:
    """boto3's view of the table, which holds one parcel, and must hold just that after the test."""
    (name,) = tables(Parcel)
    found = boto3_table(name)
    found.put_item(Item=STORED)
    yield found
    assert found.scan()["Items"] == [STORED]


@pytest.fixture
def sent() -> list[Any]:
    """What was sent."""
    return []


@pytest.fixture
def db(face: Any, table: Any, sent: list[Any]) -> Any:
    def observe(event: object) -> None:
        if isinstance(event, CallStarted):
            sent.append(event)

    return face(DynamoDB, observers=[observe])


def with_none(name: str) -> Parcel:
    parcel = Parcel(id="1", town="Oslo")
    setattr(parcel, name, None)
    return parcel


@asynccontextmanager
async def block(db: Any, **options: Any) -> AsyncIterator[Any]:
    """`with db.batch()`, or `async with` on the awaiting face; its writes may be awaited in both."""
    if isinstance(db, AwaitableFace):
        with await db.batch(**options) as batch:
            yield AwaitableFace(batch)
    else:
        async with db.batch(**options) as batch:
            yield batch


async def written_in_a_block(db: Any, parcel: Parcel) -> None:
    async with block(db) as batch:
        await batch.put(parcel)


PUTS: dict[str, Callable[[Any, Parcel], Any]] = {
    "put": lambda db, parcel: db.put(parcel),
    "transaction": lambda db, parcel: db.transaction().put(parcel).execute(),
    "batch": lambda db, parcel: db.batch_write(Parcel, puts=[parcel]),
    "block": written_in_a_block,
}
UPDATES: dict[str, Callable[[Any, str, Any], Any]] = {
    "mapping": lambda db, name, value: db.update(Parcel, "1", {name: value}),
    "changes": lambda db, name, value: db.update(Parcel, "1", [put(getattr(Parcel, name)).to(value)]),
    "transaction": lambda db, name, value: db.transaction().update(Parcel, "1", {name: value}).execute(),
    "of an item": lambda db, name, value: db.update(Parcel, Parcel(id="1", town="Oslo"), {name: value}),
}


class TestNone:
    @pytest.mark.parametrize("way", PUTS)
    @pytest.mark.parametrize("name", ["town", "weight", "id"])
    async def test_a_key_that_cannot_be_none_is_not_left_out(
        self, db: Any, sent: list[Any], way: str, name: str
    ) -> None:
        with pytest.raises(ValidationError, match=f"{name}: cannot be None or removed") as caught:
            await PUTS[way](db, with_none(name))
        assert list(caught.value.errors) == [name]
        assert not sent

    @pytest.mark.parametrize("way", UPDATES)
    @pytest.mark.parametrize("name", ["town", "weight"])
    async def test_it_is_not_taken_away_by_an_update(
        self, db: Any, sent: list[Any], way: str, name: str
    ) -> None:
        with pytest.raises(ValidationError, match=f"{name}: cannot be None or removed") as caught:
            await UPDATES[way](db, name, None)
        assert list(caught.value.errors) == [name]
        assert not sent

    @pytest.mark.parametrize("way", ["delete", "update"])
    async def test_an_item_without_a_key_is_no_key(self, db: Any, sent: list[Any], way: str) -> None:
        more = [{"note": "x"}] if way == "update" else []
        with pytest.raises(ValidationError, match="id: cannot be None"):
            await getattr(db, way)(Parcel, with_none("id"), *more)
        with pytest.raises(ValidationError, match="id: cannot be None"):
            await getattr(db.transaction(), way)(Parcel, with_none("id"), *more).execute()
        assert not sent


LONG, LONGER = "x" * 1025, "ü" * 1025


class TestMessages:
    async def test_what_is_only_asked_for_is_not_said_to_be_stored(self, db: Any, sent: list[Any]) -> None:
        why = "^Parcel takes no such key or condition: {}: Input should be a valid string"
        with pytest.raises(ValidationError, match=why.format("id")):
            await db.get(Parcel, 5)
        with pytest.raises(ValidationError, match=why.format("town")):
            await db.query(Parcel).where("town", "=", 5).all()
        with pytest.raises(ValidationError, match=why.format("note")):
            await db.put(Parcel(id="1", town="Oslo"), condition=Attr("note").eq(5))
        assert not sent

    @pytest.mark.parametrize("way", UPDATES)
    async def test_the_path_of_an_update_is_named_once(self, db: Any, sent: list[Any], way: str) -> None:
        with pytest.raises(ValidationError, match=r"^Parcel cannot be stored: weight: Input") as caught:
            await UPDATES[way](db, "weight", "much")
        assert list(caught.value.errors) == ["weight"]
        assert not sent

    async def test_a_misspelt_attribute_of_an_update_is_told(self, db: Any) -> None:
        with pytest.raises(ValidationError, match="Parcel has no attribute 'wieght'; did you mean 'weight'"):
            await db.update(Parcel, "1", {"wieght": 3})

    async def test_a_composite_key_is_shown_as_it_is_to_be_given(self, face: Any, tables: Any) -> None:
        tables(Letter)
        with pytest.raises(ValidationError, match=r"""give \{"sender": 'ada', "number": 3\}$"""):
            await face(DynamoDB).get(Letter, ("ada", 3))


class TestKeysOfIndexes:
    @pytest.mark.parametrize("way", PUTS)
    @pytest.mark.parametrize(
        ("given", "why"),
        [
            ({"town": ""}, "the partition key town of index ByTown is empty"),
            ({"town": LONGER}, "the partition key town of index ByTown has 2,050 bytes, more than 2,048"),
            ({"bay": ""}, "the partition key bay of index ByBay is empty"),
            ({"bay": LONGER}, "the partition key bay of index ByBay has 2,050 bytes"),
        ],
    )
    async def test_an_item_with_an_empty_or_a_long_one(
        self, db: Any, sent: list[Any], way: str, given: dict[str, Any], why: str
    ) -> None:
        with pytest.raises(ValidationError, match=why) as caught:
            await PUTS[way](db, Parcel(**{"id": "p7", "town": "Oslo", **given}))
        assert "Parcel 'p7' cannot be stored" in str(caught.value)
        assert caught.value.errors.keys() == given.keys()
        assert not sent

    @pytest.mark.parametrize("way", UPDATES)
    @pytest.mark.parametrize(("value", "why"), [("", "is empty"), (LONGER, "has 2,050 bytes")])
    async def test_an_update_to_an_empty_or_a_long_one(
        self, db: Any, sent: list[Any], way: str, value: str, why: str
    ) -> None:
        with pytest.raises(
            ValidationError, match=f"Parcel '1' cannot .* partition key town of index ByTown {why}"
        ):
            await UPDATES[way](db, "town", value)
        assert not sent

    async def test_one_that_may_be_none_is_left_out(self, db: Any) -> None:
        assert (await db.update(Parcel, "1", {"bay": "a"})).bay == "a"
        assert (await db.update(Parcel, "1", {"bay": None})).bay is None
        await db.put(Parcel(id="1", town="Oslo", bay=None))

    async def test_a_sort_key_is_shorter_than_a_partition_key(self, face: Any, tables: Any) -> None:
        class Label(DynamoDBModel):
            id: str
            town: str
            text: str

            class Meta:
                table_name = "labels"
                partition_key = "id"
                gsis = (GSI("ByTown", "town", "text"), GSI("ByText", "text", "id"))

        tables(Label)
        db = face(DynamoDB)
        await db.put(Label(id="a", town=LONG, text="x"))
        with pytest.raises(ValidationError, match="sort key text of index ByTown has 1,025 bytes"):
            await db.put(Label(id="b", town=LONG, text=LONG))
        with pytest.raises(ValidationError, match="sort key id of index ByText has 1,025 bytes"):
            await db.put(Label(id=LONG, town=LONG, text="x"))


class Letter(DynamoDBModel):
    sender: str
    number: int
    state: str | None = None

    class Meta:
        table_name = "letters"
        partition_key = "pk"
        sort_key = "sk"
        gsis = (GSI("ByState", "state_key", "sk"),)
        templates: ClassVar[dict[str, str]] = {
            "pk": "FROM#{sender}",
            "sk": "LETTER#{number:04d}",
            "state_key": "STATE#{state}",
        }


class TestMadeKeys:
    async def test_what_they_are_made_of_is_not_empty_nor_too_long(self, face: Any, tables: Any) -> None:
        tables(Letter)
        db: Any = face(DynamoDB)
        key: dict[str, Any] = {"sender": "ada", "number": 1}
        await db.put(Letter(**key))
        empty = "an empty text cannot stand in the key"
        refused: list[tuple[dict[str, Any], str]] = [
            ({"sender": ""}, f"sender: {empty} pk"),
            ({"state": ""}, f"state: {empty} state_key"),
            ({"number": 10_000}, "10000 is too large: the 4 characters in its key hold at most 9999"),
            ({"number": -1}, "-1 is negative"),
            (
                {"state": LONGER},
                "'FROM#ada/LETTER#0001' cannot .* key state_key of index ByState has 2,056 bytes",
            ),
        ]
        for wrong, why in refused:
            with pytest.raises(ValidationError, match=why):
                await db.put(Letter(**(key | wrong)))
        for state, why in [("", f"{empty} state_key"), (LONGER, "key state_key of index ByState has 2,056")]:
            with pytest.raises(ValidationError, match=why):
                await db.update(Letter, key, {"state": state})
        with pytest.raises(ValidationError, match=f"the key pk of Letter cannot be made: sender: {empty}"):
            await db.get(Letter, key | {"sender": ""})
        assert await db.get(Letter, key) == Letter(**key)


class Crate(DynamoDBModel):
    id: str
    town: str = "Oslo"
    data: dict[str, Any] = Field(default_factory=dict)

    class Meta:
        table_name = "crates"
        partition_key = "id"
        gsis = (GSI("ByTown", "town"),)


WRONG = {
    "an empty key": (Crate(id=""), "the partition key id is empty"),
    "an empty key of an index": (
        Crate(id="wrong", town=""),
        "'wrong' cannot be stored: the partition key town",
    ),
    "a value that cannot be stored": (
        Crate(id="wrong", data={"x": object()}),
        "data.x: DynamoDB has no type",
    ),
    "an item that is too large": (Crate(id="wrong", data={"x": "y" * 410_000}), "largest attribute is data"),
    "an item of another model": (Parcel(id="wrong", town="Oslo"), "Parcel is no Crate"),
}
RIGHT = [Crate(id=f"c{number:02}") for number in range(60)]


class TestBatches:
    @pytest.fixture
    def crates(self, face: Any, tables: Any, sent: list[Any]) -> Any:
        tables(Crate)
        return face(
            DynamoDB, observers=[lambda event: sent.append(event) if isinstance(event, CallStarted) else None]
        )

    @pytest.mark.parametrize("wrong", WRONG)
    async def test_a_row_that_is_refused_is_named_and_nothing_is_sent(
        self, crates: Any, sent: list[Any], wrong: str
    ) -> None:
        row, why = WRONG[wrong]
        given = [*RIGHT[:30], row, *RIGHT[30:]]
        with pytest.raises(ValidationError, match=why) as caught:
            await crates.batch_write(Crate, puts=given)
        named = f" (id={row.id!r})" if isinstance(row, Crate) else ""
        assert str(caught.value).startswith(f"puts[30]{named}: ")
        assert caught.value.errors
        assert not sent

    @pytest.mark.parametrize("wrong", WRONG)
    async def test_with_outcomes_the_others_are_written(self, crates: Any, wrong: str) -> None:
        row, why = WRONG[wrong]
        given = [*RIGHT[:30], row, *RIGHT[30:]]
        outcomes = await crates.batch_write(Crate, puts=given, deletes=["", "gone"], outcomes=True)
        assert [each.given for each in outcomes] == [*given, "", "gone"]
        assert [at for at, each in enumerate(outcomes) if not each.written] == [30, 61]
        assert re.search(why, str(outcomes[30].error))
        assert "the partition key id is empty" in str(outcomes[61].error)
        assert len(await crates.scan(Crate).all()) == 60

    async def test_a_block_has_the_outcome_of_a_refused_row_in_its_place(self, crates: Any) -> None:
        async with block(crates, outcomes=True) as batch:
            for item in (RIGHT[0], Crate(id=""), RIGHT[1]):
                await batch.put(item)
            await batch.delete(Crate, "")
        assert [each.written for each in batch.outcomes] == [True, False, True, False]
        with pytest.raises(ValidationError, match="the partition key id is empty"):
            async with block(crates) as batch:
                await batch.put(Crate(id=""))

    async def test_one_item_or_key_is_no_list(self, crates: Any, sent: list[Any]) -> None:
        for more in ({"puts": RIGHT[0]}, {"puts": {"id": "a"}}, {"puts": Crate}):
            with pytest.raises(ValidationError, match=r"puts is one item: give a list, as in puts=\[item\]"):
                await crates.batch_write(Crate, **more, outcomes=True)
        for key in ("c01", b"c01", {"id": "c01"}, 5):
            with pytest.raises(ValidationError, match=r"deletes is one key: give a list"):
                await crates.batch_write(Crate, deletes=key)
        with pytest.raises(ValidationError, match=r"deletes\[1\] \(''\): the partition key id is empty"):
            await crates.batch_write(Crate, deletes=["a", ""])
        assert not sent


@pytest.mark.parametrize(("given", "what"), [({"id": "1"}, "a dict"), (Parcel, "the class Parcel")])
async def test_what_is_no_item_is_not_put(db: Any, sent: list[Any], given: Any, what: str) -> None:
    why = f"put takes an item, such as .*, and {what} was given"
    with pytest.raises(ValidationError, match=why):
        await db.put(given)
    with pytest.raises(ValidationError, match=why):
        await db.transaction().put(given).execute()
    with pytest.raises(ValidationError, match=why):
        await written_in_a_block(db, given)
    assert not sent


class Ticket(DynamoDBModel):
    """As Parcel, with a version."""

    id: str
    town: str
    version: int = 0

    class Meta:
        table_name = "tickets"
        partition_key = "id"
        version = "version"


@pytest.mark.parametrize("model", [Parcel, Ticket])
async def test_a_condition_that_fails_is_told_alike_by_all_writes(face: Any, tables: Any, model: Any) -> None:
    tables(model)
    db = face(DynamoDB)
    await db.put(item := model(id="1", town="Oslo"))
    stored = await db.get(model, "1")
    no = Attr("town").eq("Bergen")
    writes: dict[str, Callable[[], Any]] = {
        "put": lambda: db.put(item, condition=no),
        "update": lambda: db.update(model, "1", {"town": "Moss"}, condition=no),
        "delete": lambda: db.delete(model, "1", condition=no),
    }
    for way, write in writes.items():
        why = f"^{model.__name__} '1' does not meet the condition of the {way}; nothing was written$"
        with pytest.raises(ConditionalCheckFailedError, match=why) as caught:
            await write()
        assert caught.value.current_item == stored
        assert caught.value.resource_id == "1"
    assert await db.get(model, "1") == stored
