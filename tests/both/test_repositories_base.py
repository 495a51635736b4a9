"""A repository of a user's own model, through both faces and on both engines."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import BaseModel, Field

from dynamodb_wrapper import (
    GSI,
    AsyncBaseDynamoRepository,
    BaseDynamoRepository,
    ConflictError,
    DynamoDBModel,
    ItemNotFoundError,
    MetaError,
    NotUniqueError,
    TableNotFoundError,
    ValidationError,
    View,
)
from dynamodb_wrapper.exceptions import ConditionalCheckFailedError
from dynamodb_wrapper.expressions import Compare, Path

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


class Part(BaseModel):
    name: str
    at: datetime | None = None


class Visit(DynamoDBModel):
    """Plain datetimes, so that naive ones can be in it; nested ones too."""

    class Meta:
        table_name = "visits"
        partition_key = "page"
        sort_key = "number"
        gsis = (GSI("ByReader", "reader", "at", projection="KEYS_ONLY"),)

    page: str
    number: int
    reader: str = "nobody"
    at: datetime = NOON
    parts: list[Part] = Field(default_factory=list)
    notes: dict[str, datetime] = Field(default_factory=dict)
    labels: list[str] = Field(default_factory=list)
    remark: str | None = None
    updated_at: datetime | None = None


class VisitRepository(BaseDynamoRepository[Visit]):
    model_class = Visit


class AsyncVisitRepository(AsyncBaseDynamoRepository[Visit]):
    model_class = Visit


class Account(DynamoDBModel):
    class Meta:
        table_name = "accounts"
        partition_key = "name"
        version = "version"
        unique = ("mail",)

    name: str
    mail: str
    balance: int = 0
    version: int = 0


class AccountRepository(BaseDynamoRepository[Account]):
    model_class = Account


class AsyncAccountRepository(AsyncBaseDynamoRepository[Account]):
    model_class = Account


class Tag(DynamoDBModel):
    """A key and nothing else."""

    class Meta:
        table_name = "tags"
        partition_key = "name"

    name: str


class TagRepository(BaseDynamoRepository[Tag]):
    model_class = Tag


class AsyncTagRepository(AsyncBaseDynamoRepository[Tag]):
    model_class = Tag


class Reading(DynamoDBModel):
    """Attributes by other names than the fields, and a time in the key."""

    class Meta:
        table_name = "readings"
        partition_key = "Sensor"
        sort_key = "At"

    sensor: str = Field(alias="Sensor")
    at: datetime = Field(alias="At")
    value: int = Field(default=0, alias="Value")
    updated_at: datetime | None = Field(default=None, alias="Changed")


class ReadingRepository(BaseDynamoRepository[Reading]):
    model_class = Reading


class AsyncReadingRepository(AsyncBaseDynamoRepository[Reading]):
    model_class = Reading


KEY = {"page": "home", "number": 1}


@pytest.fixture
def table(tables: Callable[..., list[str]], boto3_table: Callable[[str], Any]) -> Any:
    return boto3_table(tables(Visit)[0])


@pytest.fixture
def visits(face: Any, table: Any) -> Any:
    return face(VisitRepository)


def stored(table: Any, **key: Any) -> Any:
    return table.get_item(Key=key or KEY)["Item"]


async def test_what_was_created_is_read_by_either_form_of_its_key(visits: Any) -> None:
    visit = Visit(page="home", number=1, reader="ada")
    assert await visits.create(visit) is visit
    assert await visits.get(KEY) == visit
    assert await visits.get("home", 1, consistent_read=True) == visit
    assert await visits.get_or_raise("home", 1) == visit
    assert await visits.get_or_raise(KEY, consistent_read=True) == visit


async def test_a_create_never_overwrites(visits: Any, table: Any) -> None:
    await visits.create(Visit(page="home", number=1, reader="ada"))
    with pytest.raises(ConflictError, match=r"home/1.* exists already") as conflict:
        await visits.create(Visit(page="home", number=1, reader="bob"))
    assert not isinstance(conflict.value, ConditionalCheckFailedError)
    assert conflict.value.resource_id == "home/1"
    assert conflict.value.current_item.reader == "ada"
    assert stored(table)["reader"] == "ada"


async def test_what_is_missing_is_none_or_an_error_that_names_it(visits: Any) -> None:
    assert await visits.get("home", 1) is None
    with pytest.raises(ItemNotFoundError, match="Visit 'home/1' is not in table") as missing:
        await visits.get_or_raise("home", 1)
    assert missing.value.key == KEY
    assert await visits.delete("home", 1) is False
    with pytest.raises(ItemNotFoundError):
        await visits.update(Visit(page="home", number=1))
    assert await visits.list_all() == []


async def test_half_a_key_is_refused(visits: Any) -> None:
    with pytest.raises(ValidationError, match="page \\+ number") as half:
        await visits.get("home")
    assert "number" in half.value.errors


async def test_a_delete_says_whether_there_was_one(visits: Any) -> None:
    for key in (("home", 1), (KEY,)):
        await visits.create(Visit(page="home", number=1))
        assert await visits.delete(*key) is True
    assert await visits.get(KEY) is None


async def test_an_update_keeps_what_the_model_does_not_know(visits: Any, table: Any) -> None:
    await visits.create(Visit(page="home", number=1, remark="old", labels=["a"]))
    table.update_item(
        Key=KEY,
        UpdateExpression="SET legacy = :legacy",
        ExpressionAttributeValues={":legacy": {"kept": {"x"}}},
    )
    visit = await visits.get(KEY)
    visit.reader, visit.remark = "ada", None
    table.update_item(
        Key=KEY,
        UpdateExpression="SET legacy2 = :new",
        ExpressionAttributeValues={":new": "written meanwhile"},
    )
    after = await visits.update(visit)
    assert (after.reader, after.remark, after.labels) == ("ada", None, ["a"])
    item = stored(table)
    assert item["legacy"] == {"kept": {"x"}}
    assert item["legacy2"] == "written meanwhile"
    assert "remark" not in item
    assert item["updated_at"] >= "2026"


async def test_an_update_of_a_partly_given_item_wipes_nothing(visits: Any, table: Any) -> None:
    await visits.create(Visit(page="home", number=1, reader="ada", remark="stays", labels=["a"]))
    after = await visits.update(Visit(page="home", number=1, reader="bob"))
    assert (after.reader, after.remark, after.labels) == ("bob", "stays", ["a"])
    [found] = await visits.query_by_pk("bob", index="ByReader")
    assert found.remark is None, "the index has keys only"
    assert (await visits.update(found)).remark == "stays"


async def test_an_update_writes_a_default_that_was_changed_in_place(visits: Any) -> None:
    visit = await visits.create(Visit(page="home", number=1))
    visit.labels.append("new")
    await visits.update(visit)
    assert (await visits.get(KEY)).labels == ["new"]


async def test_an_update_with_nothing_but_a_key_reads_the_item(face: Any, tables: Any) -> None:
    tables(Tag)
    tags = face(TagRepository)
    with pytest.raises(ItemNotFoundError):
        await tags.update(Tag(name="a"))
    await tags.create(Tag(name="a"))
    assert await tags.update(Tag(name="a")) == Tag(name="a")


async def test_all_items_are_listed_however_many_pages_they_take(visits: Any, table: Any) -> None:
    filler = "x" * 60_000
    with table.batch_writer() as batch:
        for number in range(40):
            batch.put_item(Item={"page": "home", "number": number, "reader": "ada", "remark": filler})
        batch.put_item(Item={"page": "other", "number": 0})
    assert len(await visits.list_all()) == 41
    assert len(await visits.list_all(limit=7)) == 7
    of_home = await visits.query_by_pk("home")
    assert [visit.number for visit in of_home] == list(range(40))
    assert all(visit.remark == filler for visit in of_home)


async def test_a_query_takes_conditions_filters_an_index_order_and_a_limit(visits: Any) -> None:
    for number in range(4):
        reader = "ada" if number % 2 else "bob"
        await visits.create(Visit(page="home", number=number, reader=reader, at=NOON.replace(hour=number)))

    def numbers(found: list[Visit]) -> list[int]:
        return [visit.number for visit in found]

    assert numbers(await visits.query_by_pk("home", Compare(Path(("number",)), ">=", 2))) == [2, 3]
    assert numbers(await visits.query_by_pk({"page": "home"}, ascending=False, limit=2)) == [3, 2]
    assert numbers(await visits.query_by_pk("home", filters={"reader": "ada"})) == [1, 3]
    late = Compare(Path(("at",)), ">", NOON.replace(hour=1))
    assert numbers(await visits.query_by_pk("ada", late, index="ByReader")) == [3]
    assert await visits.query_by_pk("nowhere") == []


async def test_times_are_shown_in_the_zone_of_the_call_wherever_they_stand(visits: Any) -> None:
    parts = [Part(name="first", at=NOON), Part(name="second")]
    await visits.create(Visit(page="home", number=1, parts=parts, notes={"read": NOON}))
    zone = "Asia/Tokyo"
    for visit in (
        await visits.get(KEY, user_timezone=zone),
        await visits.get_or_raise(KEY, user_timezone=zone),
        (await visits.list_all(user_timezone=zone))[0],
        (await visits.query_by_pk("home", user_timezone=zone))[0],
    ):
        shown = [visit.at, visit.parts[0].at, visit.notes["read"]]
        assert [moment.isoformat() for moment in shown] == ["2026-07-01T21:00:00+09:00"] * 3
        assert visit.parts[1].at is None
    plain = await visits.get(KEY)
    assert plain.at.isoformat() == "2026-07-01T12:00:00+00:00"


async def test_naive_times_need_the_zone_that_they_are_in(visits: Any, table: Any) -> None:
    clock = datetime(2026, 7, 1, 21)
    visit = Visit(page="home", number=1, at=clock, parts=[Part(name="a", at=clock)], notes={"read": clock})
    with pytest.raises(ValidationError, match="without a time zone is refused"):
        await visits.create(visit)
    created = await visits.create(visit, current_timezone="Asia/Tokyo")
    assert created.at == created.parts[0].at == created.notes["read"] == NOON
    assert visit.at is clock, "what was given is not changed"
    item = stored(table)
    text = "2026-07-01T12:00:00.000000+00:00"
    assert (item["at"], item["parts"][0]["at"], item["notes"]["read"]) == (text, text, text)

    visit.at = clock.replace(hour=14)
    with pytest.raises(ValidationError, match="without a time zone is refused"):
        await visits.update(visit)
    after = await visits.update(visit, current_timezone="Europe/Oslo")
    assert after.at == NOON
    with pytest.raises(ValidationError, match="does not exist in"):
        await visits.update(
            Visit(page="home", number=1, at=datetime(2026, 3, 29, 2, 30)), current_timezone="Europe/Oslo"
        )


@pytest.mark.parametrize(
    ("name", "arguments", "parameter"),
    [
        ("get", (KEY,), "user_timezone"),
        ("get_or_raise", (KEY,), "user_timezone"),
        ("list_all", (), "user_timezone"),
        ("query_by_pk", ("home",), "user_timezone"),
        ("create", (Visit(page="home", number=1),), "current_timezone"),
        ("update", (Visit(page="home", number=1),), "current_timezone"),
    ],
)
async def test_an_unknown_zone_is_refused_before_anything_is_sent(
    visits: Any, name: str, arguments: tuple[Any, ...], parameter: str
) -> None:
    with pytest.raises(ValidationError, match="did you mean 'Europe/Oslo'") as refused:
        await getattr(visits, name)(*arguments, **{parameter: "Europe/Olso"})
    assert list(refused.value.errors) == [parameter]
    assert await visits.list_all() == []


async def test_what_is_no_item_of_the_model_is_not_written(visits: Any) -> None:
    class VisitView(View):
        page: str
        number: int

    for wrong in (VisitView(page="home", number=1), {"page": "home", "number": 1}, None):
        for write in (visits.create, visits.update):
            with pytest.raises(ValidationError, match="give a Visit"):
                await write(wrong)
    assert await visits.list_all() == []


@pytest.mark.parametrize("limit", [0, -1, True, "1"])
async def test_a_limit_is_a_whole_number_from_one_on(visits: Any, limit: Any) -> None:
    with pytest.raises(ValidationError, match="limit is"):
        await visits.list_all(limit=limit)


async def test_versions_and_unique_values_are_kept(face: Any, tables: Any) -> None:
    tables(Account)
    accounts = face(AccountRepository)
    await accounts.create(Account(name="ada", mail="a@x"))
    with pytest.raises(ConflictError, match="exists already"):
        await accounts.create(Account(name="ada", mail="b@x"))
    with pytest.raises(NotUniqueError):
        await accounts.create(Account(name="bob", mail="a@x"))
    mine, theirs = await accounts.get("ada"), await accounts.get("ada")
    mine.balance = 5
    after = await accounts.update(mine)
    assert (after.balance, after.version) == (5, 2)
    theirs.balance = 7
    with pytest.raises(ConflictError):
        await accounts.update(theirs)
    assert (await accounts.get("ada")).balance == 5
    assert await accounts.delete("ada") is True
    await accounts.create(Account(name="bob", mail="a@x"))


async def test_attributes_of_other_names_and_times_in_keys(
    face: Any, tables: Callable[..., list[str]], boto3_table: Callable[[str], Any]
) -> None:
    [name] = tables(Reading)
    readings, clock = face(ReadingRepository), datetime(2026, 7, 1, 21)
    await readings.create(Reading(Sensor="a", At=clock), current_timezone="Asia/Tokyo")
    assert (await readings.get("a", NOON)).at == NOON
    after = await readings.update(Reading(Sensor="a", At=NOON, Value=7))
    assert (after.value, after.updated_at is None) == (7, False)
    [item] = boto3_table(name).scan()["Items"]
    assert item.keys() == {"Sensor", "At", "Value", "Changed"}
    with pytest.raises(ValidationError, match="without a time zone is refused"):
        await readings.delete("a", clock)
    with pytest.raises(ValidationError) as unknown:
        await readings.delete("a", clock, current_timezone="Tokyo")
    assert list(unknown.value.errors) == ["current_timezone"]
    assert await readings.delete("a", clock, current_timezone="Asia/Tokyo") is True
    assert await readings.list_all() == []


async def test_each_use_is_a_log_record_without_values_of_items(
    visits: Any, face: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="dynamodb_wrapper.repositories")
    for number in range(3):
        await visits.create(Visit(page="secret-page", number=number))
    await visits.list_all()
    await visits.get("secret-page", 9)
    await visits.delete("secret-page", 1)
    with pytest.raises(ItemNotFoundError):
        await visits.get_or_raise("secret-page", 9)
    records: list[Any] = [each for each in caplog.records if each.name == "dynamodb_wrapper.repositories"]
    assert [(each.operation, each.count, each.levelname) for each in records] == [
        *[("create", 1, "INFO")] * 3,
        ("list_all", 3, "INFO"),
        ("get", 0, "INFO"),
        ("delete", 1, "INFO"),
        ("get_or_raise", 0, "WARNING"),
    ]
    assert {each.table for each in records} == {face.config.get_table_name("visits")}
    assert all(each.duration_ms > 0 for each in records)
    assert records[-1].error == "item_not_found"
    assert "secret" not in repr([vars(each) for each in records]) + caplog.text


async def test_a_table_that_is_not_there_is_an_error(face: Any) -> None:
    with pytest.raises(TableNotFoundError):
        await face(VisitRepository).list_all()


def test_a_repository_names_its_model(config: Any) -> None:
    class Nameless(BaseDynamoRepository[Visit]):
        pass

    for nameless in (BaseDynamoRepository, Nameless):
        with pytest.raises(MetaError, match="names no model_class"):
            nameless(config)


def test_a_method_of_a_subclass_uses_those_of_the_repository(config: Any, tables: Any) -> None:
    class Own(BaseDynamoRepository[Visit]):
        @property
        def model_class(self) -> type[Visit]:  # type: ignore[override]
            return Visit

        def of(self, page: str) -> list[Visit]:
            return self.query_by_pk(page)

    tables(Visit)
    with Own(config) as own:
        own.create(Visit(page="home", number=1))
        assert [visit.number for visit in own.of("home")] == [1]
        assert own.table_name == config.get_table_name("visits")
