"""Unique attributes (`Meta.unique`) on real engines: one scenario, both faces."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any, ClassVar

import pytest
from tests.support.faults import FaultServer, forward, reset_after_apply, seeded, server_error

from dynamodb_wrapper.client import DynamoDB
from dynamodb_wrapper.engine.flow import Flow, Together
from dynamodb_wrapper.exceptions import (
    ConditionalCheckFailedError,
    ConflictError,
    ItemNotFoundError,
    NotUniqueError,
    TransactionCanceledError,
    UnreadableItemError,
    ValidationError,
)
from dynamodb_wrapper.expressions import Compare, Missing, Path
from dynamodb_wrapper.models import DynamoDBModel


class User(DynamoDBModel):
    name: str
    email: str | None = None
    badge: Decimal | None = None
    age: int = 0

    class Meta:
        table_name = "users"
        partition_key = "name"
        unique: ClassVar = ["email", "badge"]


class Lease(DynamoDBModel):
    name: str
    email: str
    badge: int
    ends: int | None = None
    version: int = 0

    class Meta:
        table_name = "leases"
        partition_key = "name"
        unique: ClassVar = ["email", "badge"]
        version = "version"
        ttl = "ends"


class Seat(DynamoDBModel):
    room: str
    number: int
    holder: str | None = None
    version: int = 0

    class Meta:
        table_name = "seats"
        partition_key = "room"
        sort_key = "number"
        unique: ClassVar = ["holder"]
        version = "version"


ADA = User(name="ada", email="ada@example.org", badge=Decimal(7))
NAME, AGE = Path(("name",)), Path(("age",))


@pytest.fixture
async def db(face: Any, tables: Any, lasting_tables: Any) -> Any:
    tables(User, Seat)
    lasting_tables(Lease)
    return face(DynamoDB)


@pytest.fixture
def kept(boto3_table: Any, config: Any) -> Any:
    """The values that are in use, as boto3 reads them from the guards' table."""

    def values(model: str = "users") -> dict[str, Any]:
        items = boto3_table(config.get_table_name(f"{model}_unique")).scan()["Items"]
        return {item["value"]: item["owner"] for item in items}

    return values


class TestPut:
    async def test_a_value_that_another_item_has_is_refused(self, db: Any, kept: Any) -> None:
        await db.put(ADA)
        with pytest.raises(NotUniqueError, match=r"email 'ada@example.org' is in use by 'ada'") as caught:
            await db.put(User(name="bob", email="ada@example.org", badge=Decimal(8)))
        assert caught.value.attribute == "email"
        assert caught.value.owner == {"name": "ada"}
        assert isinstance(caught.value, ConflictError)
        assert await db.get(User, "bob") is None
        assert kept() == {"email#S#ada@example.org": {"name": "ada"}, "badge#N#7E+0": {"name": "ada"}}

    async def test_guards_are_no_items_of_the_model(self, db: Any, boto3_table: Any, config: Any) -> None:
        await db.put(ADA)
        assert boto3_table(config.get_table_name("users")).scan()["Count"] == 1

    async def test_the_same_item_may_be_put_again_and_gives_up_what_it_no_longer_has(
        self, db: Any, kept: Any
    ) -> None:
        await db.put(ADA)
        await db.put(ADA)
        await db.put(User(name="ada", email="new@example.org"))
        assert kept() == {"email#S#new@example.org": {"name": "ada"}}
        await db.put(User(name="bob", email="ada@example.org", badge=Decimal(7)))

    async def test_equal_numbers_are_one_value_and_none_is_no_value(self, db: Any) -> None:
        await db.put(User(name="a", badge=Decimal("1.0")))
        await db.put(User(name="b"))
        await db.put(User(name="c"))
        with pytest.raises(NotUniqueError, match="badge"):
            await db.put(User(name="d", badge=Decimal("1.00")))

    async def test_a_value_too_long_for_a_key_is_unique_too(self, db: Any) -> None:
        long = "x" * 3000
        await db.put(User(name="a", email=long))
        with pytest.raises(NotUniqueError):
            await db.put(User(name="b", email=long))
        await db.put(User(name="c", email=long + "y"))

    async def test_a_condition_holds_or_nothing_is_written(self, db: Any, kept: Any) -> None:
        await db.put(ADA)
        with pytest.raises(ConditionalCheckFailedError) as caught:
            await db.put(User(name="ada", email="new@example.org"), condition=Missing(NAME))
        assert caught.value.current_item == ADA
        assert "email#S#ada@example.org" in kept()


class TestUpdate:
    async def test_a_change_of_the_value_takes_the_new_and_gives_up_the_old(self, db: Any, kept: Any) -> None:
        await db.put(ADA)
        after = await db.update(User, "ada", {"email": "new@example.org", "badge": None, "age": 3})
        assert after == User(name="ada", email="new@example.org", age=3)
        assert kept() == {"email#S#new@example.org": {"name": "ada"}}

    async def test_a_value_that_another_item_has_is_refused(self, db: Any) -> None:
        await db.put(ADA)
        await db.put(User(name="bob", email="bob@example.org"))
        with pytest.raises(NotUniqueError):
            await db.update(User, "bob", {"email": "ada@example.org"})
        assert (await db.get(User, "bob")).email == "bob@example.org"

    async def test_of_a_missing_item_takes_nothing(self, db: Any, kept: Any) -> None:
        with pytest.raises(ItemNotFoundError):
            await db.update(User, "none", {"email": "x"})
        assert kept() == {}

    async def test_of_other_attributes_is_one_plain_call(
        self, face: Any, config: Any, engine: Any, db: Any
    ) -> None:
        await db.put(ADA)
        with FaultServer(upstream=engine.endpoint_url) as server:
            through = face(DynamoDB, config.model_copy(update={"endpoint_url": server.url}))
            assert (await through.update(User, "ada", {"age": 4})).age == 4
            assert [request.action for request in server.requests] == ["UpdateItem"]

    async def test_of_an_item_that_does_not_fit_says_that_it_was_applied(
        self, db: Any, kept: Any, boto3_table: Any, config: Any
    ) -> None:
        boto3_table(config.get_table_name("users")).put_item(Item={"name": "odd", "age": "old"})
        with pytest.raises(UnreadableItemError, match="was applied"):
            await db.update(User, "odd", {"email": "new@example.org"})
        assert kept() == {"email#S#new@example.org": {"name": "odd"}}

    async def test_a_condition_that_fails_is_a_conflict(self, db: Any) -> None:
        await db.put(ADA)
        with pytest.raises(ConflictError) as caught:
            await db.update(User, "ada", {"email": "x"}, condition=Compare(AGE, ">", 9))
        assert caught.value.current_item == ADA


class TestDelete:
    async def test_it_gives_up_the_values(self, db: Any, kept: Any) -> None:
        await db.put(ADA)
        assert await db.delete(User, "ada") is True
        assert kept() == {}
        assert await db.delete(User, "ada") is False

    async def test_a_condition_that_fails_keeps_them(self, db: Any, kept: Any) -> None:
        await db.put(ADA)
        with pytest.raises(ConditionalCheckFailedError):
            await db.delete(User, "ada", condition=Compare(AGE, ">", 9))
        assert len(kept()) == 2


class TestTransaction:
    async def test_a_value_may_change_hands(self, db: Any, kept: Any) -> None:
        await db.put(ADA)
        bob = User(name="bob", email="ada@example.org")
        await db.transaction().put(bob).delete(User, "ada").execute()
        assert kept() == {"email#S#ada@example.org": {"name": "bob"}}
        assert await db.get(User, "bob") == bob

    async def test_the_reason_stands_at_the_step(self, db: Any) -> None:
        await db.put(ADA)
        steps = db.transaction().put(User(name="x")).put(User(name="bob", badge=Decimal(7)))
        with pytest.raises(TransactionCanceledError) as caught:
            await steps.execute()
        first, second = caught.value.reasons
        assert (first.code, second.code) == ("None", "NotUnique")
        assert second.item["owner"] == {"name": "ada"}
        assert "badge '7' is in use by 'ada'" in (second.message or "")
        assert "step 2 of 2" in caught.value.message
        assert caught.value.message.endswith("badge '7' is in use by 'ada': choose another value")

    async def test_two_steps_with_one_value_are_refused(self, db: Any) -> None:
        steps = db.transaction().put(ADA).put(User(name="bob", email="ada@example.org"))
        with pytest.raises(ValidationError, match=r"steps 1 and 2 .* give two items one value of email"):
            await steps.execute()

    async def test_guards_count_towards_the_hundred(self, db: Any) -> None:
        steps = db.transaction()
        for number in range(51):
            steps = steps.put(User(name=f"u{number}", email=f"{number}@example.org"))
        with pytest.raises(ValidationError, match="102 actions with the guards of unique values"):
            await steps.execute()


class TestWithVersion:
    async def test_both_are_kept(self, db: Any, kept: Any) -> None:
        seat = Seat(room="A", number=1, holder="ada")
        await db.put(seat)
        assert seat.version == 1
        stale = seat.model_copy()
        seat.holder = "bob"
        await db.put(seat)
        with pytest.raises(ConflictError, match="its version is 2, 1 was read"):
            await db.put(stale)
        with pytest.raises(ConflictError):
            await db.delete(Seat, stale)
        with pytest.raises(NotUniqueError, match=r"holder 'bob' is in use by 'A/1'"):
            await db.put(Seat(room="A", number=2, holder="bob"))
        after = await db.update(Seat, seat, {"holder": "cyd"})
        assert (after.version, seat.version) == (3, 2)
        assert kept("seats") == {"holder#S#cyd": {"room": "A", "number": 1}}
        assert await db.delete(Seat, after) is True
        assert kept("seats") == {}


class TestLeftBehind:
    """Guards and items do not fit together where others write or remove items, as DynamoDB does by TTL."""

    @pytest.fixture
    def leases(self, boto3_table: Any, config: Any) -> Any:
        return boto3_table(config.get_table_name("leases"))

    async def test_the_values_of_an_item_that_is_gone_can_be_taken(
        self, db: Any, kept: Any, leases: Any
    ) -> None:
        await db.put(Lease(name="ada", email="x", badge=1))
        leases.delete_item(Key={"name": "ada"})
        await db.put(Lease(name="bob", email="x", badge=1))
        assert list(kept("leases").values()) == [{"name": "bob"}] * 2
        with pytest.raises(NotUniqueError, match="'x' is in use by 'bob'"):
            await db.put(Lease(name="ada", email="x", badge=2))

    async def test_also_beside_a_step_of_that_item(self, db: Any, kept: Any, leases: Any) -> None:
        await db.put(Lease(name="ada", email="x", badge=1))
        leases.delete_item(Key={"name": "ada"})
        steps = db.transaction().delete(Lease, "ada").put(Lease(name="bob", email="x", badge=1))
        await steps.execute()
        assert list(kept("leases").values()) == [{"name": "bob"}] * 2

    async def test_and_of_one_that_has_others_now(self, db: Any, kept: Any, leases: Any) -> None:
        await db.put(Lease(name="ada", email="x", badge=1))
        leases.put_item(Item={"name": "ada", "email": "y", "badge": 1})
        await db.put(Lease(name="bob", email="x", badge=2))
        assert kept("leases")["email#S#x"] == {"name": "bob"}
        with pytest.raises(NotUniqueError, match="1' is in use by 'ada'"):
            await db.update(Lease, "bob", {"badge": 1})

    async def test_and_of_one_that_is_expired_which_goes(self, db: Any, kept: Any, leases: Any) -> None:
        await db.put(Lease(name="ada", email="x", badge=1, ends=int(time.time()) - 60))
        await db.put(Lease(name="bob", email="x", badge=2))
        assert [item["name"] for item in leases.scan()["Items"]] == ["bob"]
        await db.put(Lease(name="cyd", email="y", badge=1))
        assert sorted(kept("leases")) == ["badge#N#1E+0", "badge#N#2E+0", "email#S#x", "email#S#y"]

    async def test_an_expired_item_is_replaced_with_its_values(self, db: Any, kept: Any) -> None:
        await db.put(Lease(name="ada", email="x", badge=1, ends=int(time.time()) - 60))
        new = Lease(name="ada", email="y", badge=1)
        await db.put(new)
        assert await db.get(Lease, "ada") == new
        assert sorted(kept("leases")) == ["badge#N#1E+0", "email#S#y"]

    async def test_a_value_that_is_another_s_need_not_be_given_up(
        self, db: Any, kept: Any, leases: Any
    ) -> None:
        await db.put(Lease(name="ada", email="x", badge=1))
        for name in ("bob", "cyd"):
            leases.put_item(Item={"name": name, "email": "x", "badge": 9})
        assert (await db.update(Lease, "bob", {"email": "y"})).email == "y"
        assert await db.delete(Lease, "cyd") is True
        assert kept("leases")["email#S#x"] == {"name": "ada"}

    async def test_a_value_without_a_guard_may_change_hands(self, db: Any, kept: Any, leases: Any) -> None:
        leases.put_item(Item={"name": "ada", "email": "x", "badge": 1})
        steps = db.transaction().update(Lease, "ada", {"email": "y"})
        await steps.put(Lease(name="bob", email="x", badge=2)).execute()
        assert kept("leases")["email#S#x"] == {"name": "bob"}

    async def test_an_owner_that_changes_meanwhile_keeps_its_value(
        self, face: Any, config: Any, engine: Any, db: Any, kept: Any, leases: Any
    ) -> None:
        await db.put(Lease(name="ada", email="x", badge=1))
        leases.delete_item(Key={"name": "ada"})

        def made_anew(exchange: Any) -> None:
            response = exchange.apply()
            leases.put_item(Item={"name": "ada", "email": "x", "badge": 1})
            exchange.send(response)

        script = [forward(), forward(), made_anew]  # bob is read, refused, and then ada is read
        with FaultServer(script, upstream=engine.endpoint_url) as server:
            through = face(DynamoDB, config.model_copy(update={"endpoint_url": server.url}))
            with pytest.raises(NotUniqueError, match="in use by 'ada'"):
                await through.put(Lease(name="bob", email="x", badge=2))
        assert await db.get(Lease, "bob") is None


class TestRaces:
    async def test_all_who_change_one_item_at_the_same_time_succeed(self, db: Any, kept: Any) -> None:
        blocking = getattr(db, "_blocking", db)
        puts = [
            type(blocking).put.__wrapped__(blocking, User(name="ada", email=str(number)))
            for number in range(12)
        ]
        await db.drive(side_by_side(puts))
        assert list(kept()) == [f"email#S#{(await db.get(User, 'ada')).email}"]

    async def test_of_many_who_want_one_value_one_gets_it(
        self, face: Any, config: Any, engine: Any, db: Any, kept: Any
    ) -> None:
        faults = seeded(5, {reset_after_apply(): 0.1, server_error(applied=True): 0.05})
        with FaultServer(faults, upstream=engine.endpoint_url) as server:
            through = {"endpoint_url": server.url, "retries": 20}
            client = face(DynamoDB, config.model_copy(update=through))
            blocking = getattr(client, "_blocking", client)
            outcomes = await client.drive(together(blocking))
        assert sorted(outcomes) == ["refused"] * 11 + ["stored"]
        assert list(kept()) == ["email#S#one@example.org"]

    async def test_an_item_that_changes_between_reading_and_writing_is_read_again(
        self, face: Any, config: Any, engine: Any, db: Any, kept: Any, boto3_table: Any
    ) -> None:
        await db.put(ADA)
        table = boto3_table(config.get_table_name("users"))

        def changed(exchange: Any) -> None:
            response = exchange.apply()
            table.update_item(
                Key={"name": "ada"},
                UpdateExpression="REMOVE badge",
            )
            exchange.send(response)

        with FaultServer([changed], upstream=engine.endpoint_url) as server:
            through = face(DynamoDB, config.model_copy(update={"endpoint_url": server.url}))
            await through.put(User(name="ada", email="new@example.org"))
            assert [request.action for request in server.requests] == [
                "GetItem",
                "TransactWriteItems",
            ] * 2
        assert "email#S#new@example.org" in kept()


def side_by_side(flows: list[Flow[Any]]) -> Flow[list[Any]]:
    return (yield Together(flows, limit=len(flows)))  # type: ignore[no-any-return]


def together(client: Any) -> Flow[list[str]]:
    return (yield Together([claim(client, number) for number in range(12)]))  # type: ignore[no-any-return]


def claim(client: Any, number: int) -> Flow[str]:
    try:
        yield from type(client).put.__wrapped__(client, User(name=f"u{number}", email="one@example.org"))
    except NotUniqueError:
        return "refused"
    return "stored"


async def test_dropping_a_table_drops_its_guards(db: Any, boto3_client: Any, config: Any) -> None:
    assert await db.delete_table(User) is True
    assert not [
        n for n in boto3_client.list_tables()["TableNames"] if n.startswith(f"{config.table_prefix}u")
    ]
    assert await db.create_table(User) is True
    await db.put(ADA)
