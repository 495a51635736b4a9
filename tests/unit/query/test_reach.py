"""What one query of an index reaches: values, one range, and the limits of keys."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

import pytest

from dynamodb_wrapper.expressions import AllOf, AnyOf, BeginsWith, Between, Compare, Condition, In, Path
from dynamodb_wrapper.models import DynamoDBModel
from dynamodb_wrapper.query.normal import conjuncts
from dynamodb_wrapper.query.reach import Reach, key_of, reaches
from dynamodb_wrapper.schema import GSI, TableSchema, schema_of


class Note(DynamoDBModel):
    owner: str
    title: str
    rank: int = 0

    class Meta:
        table_name = "notes"
        partition_key = "owner"
        sort_key = "title"
        gsis: ClassVar = [GSI("ByTitle", "title", "rank")]


class Page(DynamoDBModel):
    book: str
    number: int
    part: str = ""

    class Meta:
        table_name = "pages"
        partition_key = "pk"
        sort_key = "sk"
        templates: ClassVar = {"pk": "BOOK#{book}", "sk": "{part}#{number:03d}"}


NOTES, PAGES = schema_of(Note), schema_of(Page)
OWNER, TITLE, RANK = Path(("owner",)), Path(("title",)), Path(("rank",))
NUMBER, PART = Path(("number",)), Path(("part",))
MINE = Compare(OWNER, "=", "me")


def book(name: str) -> Condition:
    return Compare(Path(("book",)), "=", name)


def reached(*conditions: Condition, index: str | None = None, most: int = 100) -> list[Reach] | None:
    return reached_of(NOTES, *conditions, index=index, most=most)


def paged(*conditions: Condition) -> list[Reach] | None:
    return reached_of(PAGES, *conditions)


def reached_of(
    schema: TableSchema[Any], *conditions: Condition, index: str | None = None, most: int = 100
) -> list[Reach] | None:
    parts = [part for given in conditions for part in conjuncts(given, schema.codec.encode_attribute)]
    return reaches(schema, schema.index(index), tuple(parts), most)


def only(*conditions: Condition) -> Reach:
    (found,) = reached(*conditions) or []
    return found


def test_without_the_partition_key_nothing_is_reached() -> None:
    assert reached(Compare(TITLE, "=", "x")) is None
    assert reached(AnyOf((MINE, Compare(TITLE, "=", "x")))) is None
    assert reached(Compare(OWNER, "=", TITLE)) is None


@pytest.mark.parametrize("value", ["", "x" * 2049])
def test_a_value_that_no_key_has_reaches_nothing(value: str) -> None:
    assert reached(Compare(OWNER, "=", value)) == []


@pytest.mark.parametrize("bound", ["", "x" * 1025])
def test_a_bound_that_the_service_refuses_is_left_to_be_judged(bound: str) -> None:
    for condition in (
        Compare(TITLE, ">", bound),
        BeginsWith(TITLE, bound),
        Between(TITLE, bound, bound + "y"),
    ):
        found = only(MINE, condition)
        assert (found.range, found.rest) == (None, (condition,))


def test_the_longest_prefix_is_the_range() -> None:
    short, long = BeginsWith(TITLE, "a"), BeginsWith(TITLE, "ab")
    found = only(MINE, short, long, Compare(TITLE, "<", "z"))
    assert found.range is long
    assert len(found.rest) == 2


def test_a_second_value_decides_whether_the_first_can_be() -> None:
    assert len(reached(MINE, In(OWNER, ("me", "you"))) or ()) == 1
    assert reached(MINE, In(OWNER, ("you", "they"))) == []


def test_equal_numbers_are_one_value() -> None:
    many = In(RANK, (Decimal("1.0"), 1, Decimal("1E+0"), 2))
    assert len(reached(Compare(TITLE, "=", "x"), many, index="ByTitle") or ()) == 2


def test_alternatives_are_multiplied_up_to_the_most() -> None:
    many = (In(OWNER, ("a", "b")), In(TITLE, ("x", "y", "z")))
    assert len(reached(*many) or ()) == 6
    assert len(reached(*many, most=5) or ()) == 2
    assert reached(*many, most=1) is None
    (found,) = reached(MINE, many[1], most=2) or []
    assert (found.range, len(found.rest)) == (None, 1)


def test_full_keys_are_known() -> None:
    (found,) = reached(MINE, Compare(TITLE, "=", "x")) or []
    key = key_of(found, NOTES)
    assert key == {"owner": {"S": "me"}, "title": {"S": "x"}}
    assert key_of(only(MINE), NOTES) is None


def test_different_values_of_a_key_have_no_items_in_common() -> None:
    mine, yours = only(MINE), only(Compare(OWNER, "=", "you"))
    assert mine.differs_from(yours)
    assert not mine.differs_from(only(MINE, Compare(TITLE, "=", "x")))
    (by_title,) = reached(Compare(TITLE, "=", "x"), index="ByTitle") or []
    assert not by_title.differs_from(mine)


def test_what_a_made_key_says_is_not_asked_again() -> None:
    (found,) = paged(book("b"), Compare(PART, "=", "p"), Compare(NUMBER, "=", 7), book("b")) or []
    assert found.equal == {"pk": {"S": "BOOK#b"}, "sk": {"S": "p#007"}}
    assert found.rest == ()


def test_a_value_that_a_made_key_was_not_made_of_is_asked_for() -> None:
    late = AnyOf(tuple(AllOf((book("other"), Compare(PART, "=", part))) for part in "pq"))
    for conditions in ((book("b"), book("other")), (late, book("b"))):
        for found in paged(*conditions) or [pytest.fail("nothing is reached")]:
            assert found.equal == {"pk": {"S": "BOOK#b"}}
            assert book("other") in found.rest


def test_a_key_that_is_given_whole_was_not_made_of_fields() -> None:
    (found,) = paged(Compare(Path(("pk",)), "=", "BOOK#b"), book("other")) or []
    assert (found.equal, found.rest) == ({"pk": {"S": "BOOK#b"}}, (book("other"),))
