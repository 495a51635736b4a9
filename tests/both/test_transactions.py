"""Transactions of the general client on real engines: one scenario, both faces."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, ClassVar

import pytest
from tests.support.faults import (
    FaultServer,
    alter,
    forward,
    refuse,
    reset_after_apply,
    reset_before_apply,
    seeded,
    server_error,
    truncate,
)

from dynamodb_wrapper.client import DynamoDB
from dynamodb_wrapper.exceptions import ConnectionError, TransactionCanceledError, ValidationError
from dynamodb_wrapper.expressions import Compare, Increment, Missing, Path, Update
from dynamodb_wrapper.models import DynamoDBModel
from dynamodb_wrapper.operations import TransactAction, TransactWrite
from dynamodb_wrapper.operations.readers import plain


class Account(DynamoDBModel):
    owner: str
    balance: int = 0
    note: str | None = None

    class Meta:
        table_name = "accounts"
        partition_key = "owner"


class Entry(DynamoDBModel):
    day: str
    number: int
    text: str = ""

    class Meta:
        table_name = "entries"
        partition_key = "day"
        sort_key = "number"


class Member(DynamoDBModel):
    name: str
    email: str | None = None

    class Meta:
        table_name = "members"
        partition_key = "name"
        unique: ClassVar = ["email"]


BALANCE, OWNER = Path(("balance",)), Path(("owner",))
ADA, BOB = Account(owner="ada", balance=10), Account(owner="bob", balance=5)
ENTRY = Entry(day="mon", number=1, text="paid")
PLACE = {"day": "mon", "number": 1}


@pytest.fixture
async def db(face: Any, tables: Any) -> Any:
    tables(Account, Entry)
    client = face(DynamoDB)
    await client.put(ADA)
    return client


@asynccontextmanager
async def block(db: Any, face: Any) -> AsyncIterator[Any]:
    """`with db.transaction()`, or `async with` on the awaiting face."""
    if face.name == "sync":
        with await db.transaction() as transaction:
            yield transaction
    else:
        async with db.transaction() as transaction:
            yield transaction


class TestAllOrNothing:
    async def test_every_kind_of_step_is_applied(self, db: Any, face: Any) -> None:
        await db.put(ENTRY)
        transaction = (
            db.transaction()
            .put(BOB, condition=Missing(OWNER))
            .update(Account, "ada", {"balance": 7, "note": "less"}, condition=Compare(BALANCE, "=", 10))
            .delete(Entry, PLACE)
            .check(Account, "cyd", Missing(OWNER))
        )
        assert await transaction.execute() is None
        assert await db.get(Account, "bob") == BOB
        assert await db.get(Account, "ada") == Account(owner="ada", balance=7, note="less")
        assert await db.get(Entry, PLACE) is None

    async def test_one_that_fails_keeps_all_from_being_applied(self, db: Any, face: Any) -> None:
        transaction = (
            db.transaction()
            .put(BOB)
            .update(Account, "ada", {"balance": 0}, condition=Compare(BALANCE, ">", 100))
            .update(Account, "nobody", {"balance": 0})
            .check(Account, "cyd", Missing(OWNER))
        )
        with pytest.raises(TransactionCanceledError) as caught:
            await transaction.execute()
        codes = ["None", "ConditionalCheckFailed", "ConditionalCheckFailed", "None"]
        assert [reason.code for reason in caught.value.reasons] == codes
        assert [reason.item for reason in caught.value.reasons] == [None, ADA, None, None]
        assert caught.value.message == str(caught.value)
        first, second = caught.value.message.partition("applied: ")[2].split("; ")
        assert first == "step 2 of 4 (update): Account 'ada' does not meet the condition of the update"
        assert second.startswith("step 3 of 4 (update): Account 'nobody' is not in table ")
        assert await db.get(Account, "bob") is None
        assert await db.get(Account, "ada") == ADA
        assert await db.get(Account, "nobody") is None

    async def test_an_item_that_was_read_stands_for_its_key(self, db: Any, face: Any) -> None:
        await db.put(ENTRY)
        transaction = db.transaction().update(Account, ADA, {"balance": 1}).delete(Entry, ENTRY)
        await transaction.execute()
        assert (await db.get(Account, "ada")).balance == 1
        assert await db.get(Entry, ENTRY.model_dump(include={"day", "number"})) is None


class TestBlock:
    async def test_it_is_applied_at_the_end_of_the_block(self, face: Any, db: Any) -> None:
        async with block(db, face) as transaction:
            transaction.put(BOB).delete(Account, "ada")
            assert await db.get(Account, "bob") is None
        assert await db.get(Account, "bob") == BOB
        assert await db.get(Account, "ada") is None

    async def test_a_block_that_raises_sends_nothing(self, face: Any, config: Any) -> None:
        with FaultServer() as server:
            db = face(DynamoDB, config.model_copy(update={"endpoint_url": server.url}))
            with pytest.raises(ZeroDivisionError):  # noqa: PT012
                async with block(db, face) as transaction:
                    transaction.put(BOB)
                    raise ZeroDivisionError
            assert server.requests == []

    async def test_an_empty_block_and_one_that_executed_send_nothing_more(
        self, face: Any, config: Any
    ) -> None:
        with FaultServer() as server:
            db = face(DynamoDB, config.model_copy(update={"endpoint_url": server.url}))
            async with block(db, face):
                pass
            assert server.requests == []
            async with block(db, face) as transaction:
                done = transaction.put(BOB).execute()
                assert (done if face.name == "sync" else await done) is None
            assert len(server.requests) == 1


class TestRefused:
    """What DynamoDB would refuse is refused before anything is sent."""

    async def refused(self, face: Any, config: Any, build: Any) -> str:
        with FaultServer() as server:
            db = face(DynamoDB, config.model_copy(update={"endpoint_url": server.url}))
            with pytest.raises(ValidationError) as caught:
                await build(db.transaction()).execute()
            assert server.requests == []
        return caught.value.message

    async def test_more_than_a_hundred(self, face: Any, config: Any) -> None:
        def many(transaction: Any) -> Any:
            for number in range(101):
                transaction.put(Account(owner=str(number)))
            return transaction

        message = await self.refused(face, config, many)
        assert message == "a transaction of 101 actions: DynamoDB takes 1 to 100 in one"

    async def test_none(self, face: Any, config: Any) -> None:
        assert "a transaction of 0 actions" in await self.refused(face, config, lambda empty: empty)

    async def test_two_of_one_item(self, face: Any, config: Any) -> None:
        message = await self.refused(
            face,
            config,
            lambda one: one.put(ENTRY).put(BOB).delete(Entry, PLACE),
        )
        assert "steps 1 and 3 of the transaction are of one item, Entry 'mon/1'" in message

    async def test_a_check_of_nothing(self, face: Any, config: Any) -> None:
        message = await self.refused(face, config, lambda one: one.check(Account, "ada"))
        assert "without a condition checks nothing" in message

    async def test_a_change_that_the_model_does_not_allow(self, face: Any, config: Any) -> None:
        message = await self.refused(face, config, lambda one: one.update(Account, "ada", {"colour": 1}))
        assert "no attribute 'colour'" in message

    async def test_an_item_of_another_model_for_a_key(self, face: Any, config: Any) -> None:
        message = await self.refused(face, config, lambda one: one.delete(Account, ENTRY))
        assert "Entry is no Account" in message

    @pytest.mark.parametrize("token", ["", "x" * 37])
    async def test_a_token_that_is_too_long_or_empty(self, token: str, face: Any, config: Any) -> None:
        with FaultServer() as server:
            db = face(DynamoDB, config.model_copy(update={"endpoint_url": server.url}))
            transaction = db.transaction(token).put(BOB)
            with pytest.raises(ValidationError, match=f"{len(token)} characters: 1 to 36"):
                await transaction.execute()
            assert server.requests == []

    async def test_one_that_was_applied_is_not_applied_again(self, db: Any, face: Any) -> None:
        transaction = db.transaction().put(BOB)
        await transaction.execute()
        with pytest.raises(ValidationError, match="applied already"):
            await transaction.execute()
        with pytest.raises(ValidationError, match="applied already"):
            await transaction.put(ADA).execute()


class TestToken:
    async def test_two_of_one_token_are_applied_once(self, db: Any, config: Any, face: Any) -> None:
        token = f"{config.table_prefix}-{face.name}"
        await db.transaction(token).put(BOB).execute()
        await db.delete(Account, "bob")
        await db.transaction(token).put(BOB).execute()
        assert await db.get(Account, "bob") is None

    async def test_other_steps_under_the_same_token_are_refused(self, db: Any, config: Any) -> None:
        token = config.table_prefix
        await db.transaction(token).put(BOB).execute()
        with pytest.raises(ValidationError):
            await db.transaction(token).put(ADA).execute()

    async def test_its_own_token_fits_and_is_one_for_each(self, db: Any, face: Any) -> None:
        tokens = [db.transaction().token, db.transaction().token]
        assert len(set(tokens)) == 2
        assert [len(token) for token in tokens] == [36, 36]


MANY = {
    reset_before_apply(): 0.08,
    reset_after_apply(): 0.08,
    server_error(applied=True): 0.04,
    server_error(): 0.04,
    truncate(): 0.04,
    alter(): 0.04,
}


class TestFaults:
    async def test_400_acknowledged_increments_store_exactly_400(
        self, face: Any, config: Any, engine: Any, tables: Any, boto3_table: Any
    ) -> None:
        (table,) = tables(Account)
        boto3_table(table).put_item(Item={"owner": "ada", "balance": 0})
        one = TransactAction(
            table=table, reader=plain, key={"owner": {"S": "ada"}}, update=Update((Increment(BALANCE, 1),))
        )
        with FaultServer(seeded(3, MANY), upstream=engine.endpoint_url) as server:
            db = face(DynamoDB, config.model_copy(update={"endpoint_url": server.url, "retries": 20}))
            for _ in range(400):
                await db.run(TransactWrite([one]))
            assert len(server.requests) > 440
        assert boto3_table(table).get_item(Key={"owner": "ada"})["Item"]["balance"] == 400

    async def test_a_conflict_with_another_transaction_is_tried_again(
        self, face: Any, config: Any, engine: Any, tables: Any
    ) -> None:
        tables(Account)
        conflict = refuse(
            "TransactionCanceledException", CancellationReasons=[{"Code": "TransactionConflict"}]
        )
        with FaultServer([conflict, conflict], upstream=engine.endpoint_url) as server:
            db = face(DynamoDB, config.model_copy(update={"endpoint_url": server.url}))
            await db.transaction().put(BOB).execute()
            assert await db.get(Account, "bob") == BOB
            assert len(server.requests) == 4

    async def test_one_that_cannot_succeed_is_not(self, face: Any, config: Any) -> None:
        reasons = [{"Code": "TransactionConflict"}, {"Code": "ConditionalCheckFailed"}]
        refused = refuse("TransactionCanceledException", CancellationReasons=reasons)
        with FaultServer([refused]) as server:
            db = face(DynamoDB, config.model_copy(update={"endpoint_url": server.url}))
            with pytest.raises(TransactionCanceledError):
                await db.transaction().put(BOB).put(ADA).execute()
            assert len(server.requests) == 1

    async def test_executing_again_after_a_failure_applies_it_once(
        self, face: Any, config: Any, engine: Any, tables: Any
    ) -> None:
        tables(Account)
        with FaultServer([reset_after_apply()], upstream=engine.endpoint_url) as server:
            db = face(DynamoDB, config.model_copy(update={"endpoint_url": server.url, "retries": 1}))
            transaction = db.transaction().put(BOB, condition=Missing(OWNER))
            with pytest.raises(ConnectionError):
                await transaction.execute()
            await transaction.execute()
            assert await db.get(Account, "bob") == BOB

    @pytest.mark.parametrize("changed", [False, True])
    async def test_so_it_does_with_unique_values(
        self, face: Any, config: Any, engine: Any, tables: Any, boto3_table: Any, changed: bool
    ) -> None:
        tables(Account, Member)
        members = boto3_table(config.get_table_name("members"))
        db = face(DynamoDB)
        await db.put(BOB)
        await db.put(Member(name="eve", email="old"))

        def meanwhile(exchange: Any) -> None:
            members.put_item(Item={"name": "eve", "email": "other"})
            exchange.send(exchange.apply())

        first = [forward(), meanwhile, forward()] if changed else [forward()]
        script = [*first, reset_after_apply(), reset_after_apply()]
        with FaultServer(script, upstream=engine.endpoint_url) as server:
            through = face(DynamoDB, config.model_copy(update={"endpoint_url": server.url, "retries": 1}))
            transaction = through.transaction().update(Member, "eve", {"email": "new"})
            transaction.update(Account, "bob", [Increment(BALANCE, 5)])
            with pytest.raises(ConnectionError):
                await transaction.execute()
            with pytest.raises(ValidationError, match="nobody knows whether this transaction was applied"):
                await transaction.delete(Account, "ada").execute()
            await transaction.execute()
        assert (await db.get(Account, "bob")).balance == BOB.balance + 5
        assert (await db.get(Member, "eve")).email == "new"


class TestReading:
    async def test_items_of_several_models_stand_in_their_slots(self, db: Any, face: Any) -> None:
        await db.put(ENTRY)
        keys: list[Any] = [(Entry, PLACE), (Account, "nobody"), (Account, "ada"), (Entry, PLACE)]
        assert await db.transact_get(keys) == [ENTRY, None, ADA, ENTRY]

    @pytest.mark.parametrize("count", [0, 101])
    async def test_no_or_too_many_keys_are_refused(self, count: int, db: Any) -> None:
        with pytest.raises(ValidationError, match=f"a transaction of {count} actions"):
            await db.transact_get([(Account, str(number)) for number in range(count)])
