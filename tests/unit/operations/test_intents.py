from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import BaseModel, Field

from dynamodb_wrapper.exceptions import (
    ConditionalCheckFailedError,
    ConflictError,
    ItemNotFoundError,
    ValidationError,
)
from dynamodb_wrapper.expressions import Assign, Compare, Increment, Path, Remove
from dynamodb_wrapper.operations import Create, UpdateExisting
from dynamodb_wrapper.operations.intents import Upsert, changes_of
from dynamodb_wrapper.schema import GSI, schema_of


class Book(BaseModel):
    isbn: str = Field(alias="ISBN")
    edition: int
    title: str = Field(default="", max_length=10)
    shelf: str | None = None
    price: float | None = 1.0
    added: datetime = datetime(2026, 1, 1, tzinfo=UTC)

    class Meta:
        partition_key = "ISBN"
        sort_key = "edition"
        gsis = (GSI("ByShelf", "shelf"),)


class OnlyKey(BaseModel):
    key: str

    class Meta:
        partition_key = "key"


books = schema_of(Book)
KEY: dict[str, Any] = {"ISBN": "1-2", "edition": 3}
BOOK = Book(ISBN="1-2", edition=3, title="Dune")
STORED: dict[str, Any] = {"ISBN": {"S": "1-2"}, "edition": {"N": "3"}, "title": {"S": "Emma"}}
EMMA = Book(ISBN="1-2", edition=3, title="Emma")


def refused(item: Any = None) -> ConditionalCheckFailedError:
    return ConditionalCheckFailedError("no", context={"table": "t"}, current_item=item)


def create(**more: Any) -> Create[Book]:
    return Create(schema=books, table="t", instance=BOOK, **more)


def update(*changes: Any, **more: Any) -> UpdateExisting[Book]:
    return UpdateExisting(
        schema=books, table="t", key=KEY, changes=changes or changes_of(books, {"title": "x"}), **more
    )


class TestChanges:
    def test_values_are_assigned_in_their_stored_form(self, service: Callable[..., Any]) -> None:
        body = update(*changes_of(books, {"title": "Emma", "price": None})).call().body
        assert body["UpdateExpression"] == "SET #0 = :0, #1 = :1"
        assert list(body["ExpressionAttributeValues"].values()) == [{"S": "Emma"}, {"NULL": True}]

    def test_a_none_that_reading_restores_is_taken_away(self) -> None:
        assert changes_of(books, {"shelf": None}) == (Remove(Path(("shelf",))),)

    @pytest.mark.parametrize("name", ["ISBN", "edition"])
    def test_a_key_cannot_change(self, name: str) -> None:
        with pytest.raises(
            ValidationError, match=f"{name} is part of the key of Book and cannot change"
        ) as caught:
            changes_of(books, {name: 1})
        assert list(caught.value.errors) == [name]

    @pytest.mark.parametrize("name", ["colour", "isbn"])
    def test_an_unknown_attribute_is_refused(self, name: str) -> None:
        with pytest.raises(ValidationError, match=f"Book has no attribute '{name}'"):
            changes_of(books, {name: 1})

    @pytest.mark.parametrize(
        "values",
        [
            {"title": 5},
            {"title": "longer than ten"},
            {"title": None},
            {"price": "cheap"},
            {"added": datetime(2026, 1, 1)},
            {"shelf": "x" * 409_600},
        ],
    )
    def test_a_value_that_could_not_be_read_again_is_refused(self, values: dict[str, Any]) -> None:
        with pytest.raises(ValidationError) as caught:
            changes_of(books, values)
        assert {path.partition(".")[0] for path in caught.value.errors} == set(values)


class TestCreate:
    def test_it_never_overwrites(self) -> None:
        call = create(condition=Compare(Path(("title",)), "<>", "x")).call()
        assert call.action == "PutItem"
        assert call.body["ConditionExpression"] == "(attribute_not_exists(#0) AND #1 <> :0)"
        assert not call.repeatable

    def test_an_item_with_the_key_is_a_conflict_that_carries_it(self, service: Callable[..., Any]) -> None:
        failed = refused(STORED)
        with pytest.raises(ConflictError, match="Book '1-2/3' exists already: update it") as caught:
            service(failed).run(create())
        assert type(caught.value) is ConflictError
        assert caught.value.resource_id == "1-2/3"
        assert caught.value.current_item == EMMA
        assert caught.value.context == {"table": "t", "key": {"ISBN": "1-2", "edition": 3}}
        assert caught.value.original_error is failed

    def test_a_condition_that_fails_without_an_item_does_not_say_that_there_is_one(
        self, service: Callable[..., Any]
    ) -> None:
        with pytest.raises(ConflictError, match="was not created") as caught:
            service(refused()).run(create(condition=Compare(Path(("title",)), "=", "x")))
        assert caught.value.current_item is None


class TestUpdate:
    def test_it_never_creates(self) -> None:
        assert update().call().body["ConditionExpression"] == "attribute_exists(#1)"
        body = update(condition=Compare(Path(("title",)), "=", "x")).call().body
        assert body["ConditionExpression"] == "(attribute_exists(#1) AND #0 = :1)"

    def test_it_returns_the_item_as_it_is_afterwards(self, service: Callable[..., Any]) -> None:
        assert service({"Attributes": STORED}).run(update()) == EMMA

    def test_a_missing_item_is_not_found(self, service: Callable[..., Any]) -> None:
        with pytest.raises(ItemNotFoundError, match="Book '1-2/3' is not in table t") as caught:
            service(refused()).run(update())
        assert (caught.value.table_name, caught.value.key) == ("t", KEY)

    @pytest.mark.parametrize(
        ("more", "kind", "why"),
        [
            ("condition", ConditionalCheckFailedError, "does not meet the condition of the update"),
            ("guard", ConflictError, "is not in the state that the update needs"),
        ],
    )
    def test_a_condition_that_fails_is_a_conflict_with_the_item(
        self, service: Callable[..., Any], more: str, kind: type[ConflictError], why: str
    ) -> None:
        given: dict[str, Any] = {more: Compare(Path(("title",)), "=", "x")}
        with pytest.raises(kind, match=f"Book '1-2/3' {why}; nothing was written") as caught:
            service(refused(STORED)).run(update(**given))
        assert type(caught.value) is kind
        assert caught.value.current_item == EMMA

    @pytest.mark.parametrize(
        ("changes", "more", "repeatable"),
        [
            ([Assign(Path(("title",)), "x")], {}, True),
            ([Increment(Path(("price",)), 1)], {}, False),
            ([Assign(Path(("title",)), "x")], {"condition": Compare(Path(("title",)), "=", "y")}, False),
            ([Assign(Path(("title",)), "x")], {"guard": Compare(Path(("price",)), "=", 1)}, True),
        ],
    )
    def test_it_is_repeatable_where_twice_is_harmless(
        self, changes: Any, more: Any, repeatable: bool
    ) -> None:
        assert update(*changes, **more).call().repeatable is repeatable

    def test_as_an_action_of_a_transaction_it_says_the_same(self) -> None:
        wanted = update(condition=Compare(Path(("title",)), "=", "x"))
        action, body = wanted.action().body()["Update"], wanted.call().body
        for member in ("UpdateExpression", "ConditionExpression", "Key", "ExpressionAttributeValues"):
            assert action[member] == body[member]


class TestUpsert:
    def test_it_is_one_call_that_keeps_what_it_is_told_to_keep(self, service: Callable[..., Any]) -> None:
        upsert = Upsert(schema=books, table="t", instance=BOOK, keep={"added"})
        asked = service({"Attributes": STORED})
        assert asked.run(upsert) == EMMA
        body = asked.bodies[0]
        assert body["UpdateExpression"] == "SET #0 = if_not_exists(#0, :0), #1 = :1, #3 = :2 REMOVE #2"
        assert list(body["ExpressionAttributeNames"].values()) == ["added", "price", "shelf", "title"]
        assert asked.sent[0].repeatable

    def test_a_model_of_nothing_but_its_key_can_be_upserted(self, service: Callable[..., Any]) -> None:
        upsert = Upsert(schema=schema_of(OnlyKey), table="t", instance=OnlyKey(key="a"), keep=())
        assert service({"Attributes": {"key": {"S": "a"}}}).run(upsert) == OnlyKey(key="a")

    def test_an_item_that_is_too_large_is_refused(self) -> None:
        large = BOOK.model_copy(update={"title": "x" * 409_600})
        with pytest.raises(ValidationError, match="largest attribute is title"):
            Upsert(schema=books, table="t", instance=large, keep=()).call()
