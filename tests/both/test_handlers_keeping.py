"""Domain APIs of models whose Meta has `version`, `unique` or templates: one scenario, both faces."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from pydantic import Field

from dynamodb_wrapper import Dto, DynamoDB, DynamoDBModel, View
from dynamodb_wrapper.exceptions import (
    BulkWriteError,
    ConflictError,
    ItemNotFoundError,
    MetaError,
    NotUniqueError,
)
from dynamodb_wrapper.expressions import Compare, Path
from dynamodb_wrapper.handlers.writing import AsyncWriteApi, Commands, WriteApi
from dynamodb_wrapper.models.base import Instant
from dynamodb_wrapper.schema import GSI
from dynamodb_wrapper.timezones import utcnow


class Fields(DynamoDBModel):
    name: str
    email: str | None = None
    rank: int = 0
    revision: int = 0
    created_at: Instant = Field(default_factory=utcnow)


class Locked(Fields):
    class Meta:
        table_name = "locked"
        partition_key = "name"
        version = "revision"


class Single(Fields):
    class Meta:
        table_name = "single"
        partition_key = "name"
        unique: ClassVar = ["email"]


class Both(Fields):
    class Meta:
        table_name = "both"
        partition_key = "pk"
        sort_key = "sk"
        version = "revision"
        unique: ClassVar = ["email"]
        templates: ClassVar = {"pk": "USER#{name}", "sk": "PROFILE", "gsi": "RANK#{rank:03d}"}
        gsis: ClassVar = [GSI("ByRank", "gsi")]


class NewUser(Dto):
    name: str
    email: str | None = None
    rank: int = 0


class UserView(View):
    name: str
    email: str | None = None


def api(model_: type[Fields]) -> type:
    class UserWriteApi(WriteApi[Any, NewUser]):
        model, dto = model_, NewUser

    class AsyncUserWriteApi(AsyncWriteApi[Any, NewUser]):
        model, dto = model_, NewUser

    globals().update(UserWriteApi=UserWriteApi, AsyncUserWriteApi=AsyncUserWriteApi)
    return UserWriteApi


@pytest.fixture(params=[Locked, Single, Both], ids=lambda model: model.__name__)
def model(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
async def users(model: Any, face: Any, tables: Any) -> Any:
    tables(model)
    return face(api(model))


def dto(name: str, email: str | None = None, rank: int = 0) -> NewUser:
    return NewUser(name=name, email=email, rank=rank)


async def test_create_update_upsert_and_delete(users: Any, model: Any, face: Any) -> None:
    db, counts = face(DynamoDB), model.Meta.__dict__.get("version") is not None
    made = await users.create(dto("a", "a@x"))
    assert made.revision == counts
    with pytest.raises(ConflictError, match="exists already") as caught:
        await users.create(dto("a", "b@x"))
    assert caught.value.current_item.email == "a@x"
    changed = await users.update("a", {"rank": 5}, Compare(Path(("rank",)), "=", 0))
    assert (changed.rank, changed.revision) == (5, 2 * counts)
    with pytest.raises(ConflictError):
        await users.update("a", {"rank": 6}, Compare(Path(("rank",)), "=", 0))
    with pytest.raises(ItemNotFoundError):
        await users.update("none", {"rank": 6})
    stored = await users.upsert(dto("a", "c@x", 7))
    assert (stored.email, stored.rank, stored.revision) == ("c@x", 7, 3 * counts)
    assert stored.created_at == made.created_at
    assert await db.get(model, "a") == stored
    new = await users.upsert(dto("b", "a@x"))
    assert (new.email, new.revision) == ("a@x", counts)
    await db.put(await db.get(model, "b"))
    with pytest.raises(ConflictError):
        await users.delete("a", Compare(Path(("rank",)), "=", 0))
    assert await users.delete("a") is True
    assert await users.delete("a") is False


async def test_an_update_makes_what_was_read_before_stale(users: Any, model: Any, face: Any) -> None:
    if "version" not in model.Meta.__dict__:
        pytest.skip("this model has no version")
    db = face(DynamoDB)
    await users.create(dto("a"))
    writes: list[Callable[[], Any]] = [
        lambda: users.update("a", {"rank": 1}),
        lambda: users.upsert(dto("a", rank=2)),
    ]
    for write in writes:
        stale = await db.get(model, "a")
        await write()
        with pytest.raises(ConflictError, match="was changed since it was read"):
            await db.put(stale)


@pytest.mark.parametrize("ask", ["create", "upsert"])
async def test_an_item_made_anew_is_not_the_one_that_was_read(face: Any, tables: Any, ask: str) -> None:
    tables(Locked)
    users, db = face(api(Locked)), face(DynamoDB)
    make = getattr(users, ask)
    await make(dto("a", rank=1))
    stale = await db.get(Locked, "a")
    await users.delete("a")
    anew = await make(dto("a", rank=2))
    with pytest.raises(ConflictError, match="made anew"):
        await db.put(stale)
    await db.put(await db.get(Locked, "a"))
    assert (await db.get(Locked, "a")).rank == anew.rank


async def test_a_value_belongs_to_one_item_whoever_writes(users: Any, model: Any, face: Any) -> None:
    if not hasattr(model.Meta, "unique"):
        pytest.skip("this model has no unique values")
    await users.create(dto("a", "a@x"))
    await users.create(dto("b", "b@x"))
    asks: list[Callable[[], Any]] = [
        lambda: users.create(dto("c", "a@x")),
        lambda: users.update("b", {"email": "a@x"}),
        lambda: users.upsert(dto("b", "a@x")),
        lambda: users.upsert(dto("c", "a@x")),
    ]
    for ask in asks:
        with pytest.raises(NotUniqueError, match="'a@x' is in use by "):
            await ask()
    with pytest.raises(BulkWriteError):
        await users.upsert_many([dto("d", "d@x"), dto("e", "a@x")])
    await users.delete("a")
    assert (await users.upsert(dto("b", "a@x"))).email == "a@x"
    assert (await users.create(dto("e", "b@x"))).email == "b@x"


async def test_a_key_of_an_index_follows(face: Any, tables: Any) -> None:
    tables(Both)
    users, db = face(api(Both)), face(DynamoDB)
    await users.create(dto("a", rank=1))
    await users.update("a", {"rank": 2})
    assert [user.name for user in await db.query(Both).where(Both.rank == 2).all()] == ["a"]
    await users.upsert(dto("a", rank=3))
    assert [user.name for user in await db.query(Both).where(Both.rank == 3).all()] == ["a"]
    assert await db.query(Both).where(Both.rank == 2).all() == []


def test_a_dto_with_the_version_is_refused_when_the_api_is_made() -> None:
    class Counted(NewUser):
        revision: int = 0

    with pytest.raises(
        MetaError, match="Counted has revision, the version of Locked, which every write counts"
    ):

        class Api(Commands[Locked, Counted]):
            model, dto = Locked, Counted
