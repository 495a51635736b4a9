"""Pages: put together they are the list, whatever limit and filter; and a cursor cannot be misused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from dynamodb_wrapper import GSI, AsyncReadApi, DynamoDB, DynamoDBModel, ReadApi, ValidationError, View
from dynamodb_wrapper.expressions import Condition
from dynamodb_wrapper.query.keys import sort_condition


class Reading(DynamoDBModel):
    class Meta:
        table_name = "readings"
        partition_key = "sensor"
        sort_key = "number"
        gsis: ClassVar = [GSI("ByKind", "kind", "rank")]

    sensor: str
    number: int
    kind: str = "wind"
    rank: int = 0
    rare: bool = False
    text: str = ""


class ReadingView(View):
    sensor: str
    number: int
    rank: int | None = None
    rare: bool | None = None
    text: str | None = None


class ReadingReadApi(ReadApi[Reading, ReadingView]):
    model = Reading
    view = ReadingView


class AsyncReadingReadApi(AsyncReadApi[Reading, ReadingView]):
    model = Reading
    view = ReadingView


class Copy(Reading):
    class Meta(Reading.Meta):
        table_name = "copies"


class CopyReadApi(ReadApi[Copy, ReadingView]):
    model = Copy
    view = ReadingView


class AsyncCopyReadApi(AsyncReadApi[Copy, ReadingView]):
    model = Copy
    view = ReadingView


SIZE = 500
RARE = {"rare": True}
"""A filter that drops nine of ten."""

WAYS: dict[str, tuple[str, dict[str, Any]]] = {
    "query": ("query", {"partition": {"sensor": "roof"}}),
    "query, descending": ("query", {"partition": {"sensor": "roof"}, "ascending": False}),
    "query of a range": (
        "query",
        {"partition": {"sensor": "roof"}, "sort": sort_condition("number", "between", 50, 449)},
    ),
    "index": ("query", {"partition": {"kind": "wind"}, "index": "ByKind"}),
    "index, descending": ("query", {"partition": {"kind": "wind"}, "index": "ByKind", "ascending": False}),
    "scan": ("scan", {}),
}


@pytest.fixture
async def readings(face: Any, tables: Callable[..., list[str]]) -> list[Reading]:
    """500 readings of one sensor and kind; in the index five have the same sort key each."""
    tables(Reading)
    made = [
        Reading(sensor="roof", number=number, rank=number // 5, rare=number % 10 == 3)
        for number in range(SIZE)
    ]
    await face(DynamoDB).batch_write(Reading, puts=made)
    return made


async def pages(listing: Callable[..., Any], limit: int | None, **question: Any) -> list[list[int]]:
    """The numbers of the readings, page by page."""
    found: list[list[int]] = []
    next_key = None
    while True:
        items, next_key = await listing(limit=limit, last_key=next_key, **question)
        found.append([item.number for item in items])
        if next_key is None:
            return found


@pytest.mark.usefixtures("readings")
@pytest.mark.parametrize("way", WAYS)
async def test_pages_together_are_the_whole_list(face: Any, way: str) -> None:
    name, question = WAYS[way]
    listing = getattr(face(ReadingReadApi), name)
    [whole] = await pages(listing, None, **question)
    assert len(whole) == len(set(whole)) == (400 if "range" in way else SIZE)
    if "index" not in way and name == "query":
        assert whole == sorted(whole, reverse="descending" in way)
    for limit in (7, 100):
        paged = await pages(listing, limit, **question)
        assert [number for page in paged for number in page] == whole
        assert all(len(page) == limit for page in paged[: len(whole) // limit])


@pytest.mark.usefixtures("readings")
@pytest.mark.parametrize("way", WAYS)
async def test_filtered_pages_are_full_and_together_the_whole_list(face: Any, way: str) -> None:
    name, question = WAYS[way]
    listing = getattr(face(ReadingReadApi), name)
    [whole] = await pages(listing, None, filters=RARE, projection=["text"], **question)
    assert sorted(whole) == list(range(53 if "range" in way else 3, 450 if "range" in way else SIZE, 10))
    for limit in (1, 2, 7, 100):
        paged = await pages(listing, limit, filters=RARE, projection=["text"], **question)
        assert [number for page in paged for number in page] == whole
        assert all(len(page) == limit for page in paged[: len(whole) // limit])


@pytest.mark.usefixtures("readings")
@pytest.mark.parametrize("limit", [1, 2])
async def test_the_smallest_pages_neither_skip_nor_repeat(face: Any, limit: int) -> None:
    api = face(ReadingReadApi)
    among: Condition = sort_condition("number", "gte", 460)
    paged = await pages(api.query, limit, partition={"sensor": "roof"}, sort=among)
    assert [number for page in paged for number in page] == list(range(460, SIZE))
    equal = sort_condition("rank", "between", 40, 45)
    for ascending in (True, False):
        question = {"partition": {"kind": "wind"}, "index": "ByKind", "sort": equal, "ascending": ascending}
        [whole] = await pages(api.query, None, **question)
        assert sorted(whole) == list(range(200, 230))
        assert [number for page in await pages(api.query, limit, **question) for number in page] == whole


async def test_items_larger_than_a_reply_are_paged_by_the_service_and_not_noticed(
    face: Any, tables: Callable[..., list[str]]
) -> None:
    tables(Reading)
    many = [
        Reading(sensor="roof", number=number, rare=number % 2 == 0, text="x" * 300_000)
        for number in range(12)
    ]
    await face(DynamoDB).batch_write(Reading, puts=many)
    api = face(ReadingReadApi)
    for limit in (5, 12, None):
        for filters in (None, RARE):
            wanted = list(range(0, 12, 2 if filters else 1))
            paged = await pages(api.query, limit, partition={"sensor": "roof"}, filters=filters)
            assert [number for page in paged for number in page] == wanted
            assert len(paged[0]) == min(limit or 12, len(wanted))
    assert await api.count({"sensor": "roof"}, filters=RARE) == 6


@pytest.mark.usefixtures("readings")
async def test_a_filter_that_nothing_passes_gives_one_empty_page(face: Any) -> None:
    api = face(ReadingReadApi)
    assert await api.query({"sensor": "roof"}, filters={"text": "nothing"}, limit=1) == ([], None)
    assert await api.scan(filters={"text": "nothing"}, limit=1) == ([], None)
    assert await api.query({"sensor": "cellar"}) == ([], None)


@pytest.mark.usefixtures("readings")
async def test_the_projection_and_the_limit_may_change_between_pages(face: Any) -> None:
    api = face(ReadingReadApi)
    first, cursor = await api.query({"sensor": "roof"}, filters=RARE, limit=3)
    second, _ = await api.query(
        {"sensor": "roof"},
        filters=RARE,
        limit=2,
        last_key=cursor,
        projection=["rank"],
        user_timezone="Asia/Tokyo",
    )
    assert [item.number for item in first + second] == [3, 13, 23, 33, 43]


@pytest.mark.usefixtures("readings")
async def test_what_changed_between_pages_shifts_nothing(face: Any) -> None:
    api, db = face(ReadingReadApi), face(DynamoDB)
    question: dict[str, Any] = {"partition": {"sensor": "roof"}, "filters": RARE, "limit": 3}
    first, cursor = await api.query(**question)
    await db.batch_write(Reading, deletes=[{"sensor": "roof", "number": first[-1].number}])
    await db.put(Reading(sensor="roof", number=-1, rare=True))
    second, _ = await api.query(**question, last_key=cursor)
    assert [item.number for item in first + second] == [3, 13, 23, 33, 43, 53]


@pytest.mark.usefixtures("readings")
async def test_an_altered_cursor_is_refused_wherever_it_was_altered(face: Any) -> None:
    api = face(ReadingReadApi)
    _, cursor = await api.query({"sensor": "roof"}, limit=1)
    for at in range(len(cursor)):
        altered = cursor[:at] + ("A" if cursor[at] != "A" else "B") + cursor[at + 1 :]
        with pytest.raises(ValidationError, match="last_key"):
            await api.query({"sensor": "roof"}, limit=1, last_key=altered)
    for altered in ("", cursor[:-1], cursor + "A", cursor + "=", cursor + "*", f" {cursor}", "x"):
        with pytest.raises(ValidationError) as caught:
            await api.query({"sensor": "roof"}, limit=1, last_key=altered)
        assert caught.value.errors.keys() == {"last_key"}


@pytest.mark.usefixtures("readings")
async def test_a_cursor_is_good_for_its_own_query_only(face: Any, tables: Callable[..., list[str]]) -> None:
    tables(Copy)
    api, elsewhere = face(ReadingReadApi), face(CopyReadApi)
    own = await api.query({"sensor": "roof"}, limit=1)
    cursor = own[1]
    others: list[Callable[[], Any]] = [
        lambda: api.query({"sensor": "cellar"}, last_key=cursor),
        lambda: api.query({"sensor": "roof"}, last_key=cursor, ascending=False),
        lambda: api.query({"sensor": "roof"}, last_key=cursor, filters=RARE),
        lambda: api.query({"sensor": "roof"}, last_key=cursor, sort=sort_condition("number", "gt", 0)),
        lambda: api.query({"kind": "wind"}, "ByKind", last_key=cursor),
        lambda: api.scan(last_key=cursor),
        lambda: elsewhere.query({"sensor": "roof"}, last_key=cursor),
    ]
    for other in others:
        with pytest.raises(ValidationError, match="belongs to another query"):
            await other()
    following, _ = await api.query({"sensor": "roof"}, limit=1, last_key=cursor)
    assert following[0].number == 1


@pytest.mark.usefixtures("readings")
async def test_another_object_with_an_equal_config_goes_on(face: Any) -> None:
    _, cursor = await face(ReadingReadApi).scan(limit=3)
    [whole] = await pages(face(ReadingReadApi).scan, None)
    again, _ = await face(ReadingReadApi, face.config.model_copy()).scan(limit=3, last_key=cursor)
    assert [item.number for item in again] == whole[3:6]


@pytest.mark.usefixtures("readings")
async def test_a_common_cursor_secret_lets_other_credentials_go_on(face: Any) -> None:
    def api(key: str, secret: str | None) -> Any:
        return face(ReadingReadApi, face.config.replace(aws_secret_access_key=key, cursor_secret=secret))

    question: dict[str, Any] = {"partition": {"sensor": "roof"}, "limit": 2}
    _, cursor = await api("one", "common").query(**question)
    following, _ = await api("two", "common").query(**question, last_key=cursor)
    assert [item.number for item in following] == [2, 3]
    for other in (api("one", "another"), api("one", None)):
        with pytest.raises(ValidationError, match="cursor_secret"):
            await other.query(**question, last_key=cursor)


@pytest.mark.usefixtures("readings")
@pytest.mark.parametrize("limit", [0, -1, True, False, 1.0, "10"])
async def test_a_limit_that_is_no_number_of_items_is_refused(face: Any, limit: Any) -> None:
    api = face(ReadingReadApi)
    for call in (api.query({"sensor": "roof"}, limit=limit), api.scan(limit=limit)):
        with pytest.raises(ValidationError) as caught:
            await call
        assert caught.value.errors.keys() == {"limit"}


@pytest.mark.usefixtures("readings")
async def test_a_consistent_read_is_possible_of_a_table_but_not_of_a_global_index(face: Any) -> None:
    api = face(ReadingReadApi)
    assert len((await api.query({"sensor": "roof"}, limit=2, consistent_read=True))[0]) == 2
    assert len((await api.scan(limit=2, consistent_read=True))[0]) == 2
    with pytest.raises(ValidationError, match="ByKind") as caught:
        await api.query({"kind": "wind"}, "ByKind", consistent_read=True)
    assert caught.value.errors.keys() == {"consistent_read"}


@pytest.mark.usefixtures("readings")
async def test_counts_are_those_of_the_lists(face: Any) -> None:
    api = face(ReadingReadApi)
    assert await api.count({"sensor": "roof"}) == SIZE
    assert await api.count({"sensor": "roof"}, filters=RARE) == 50
    assert await api.count({"kind": "wind"}, "ByKind", filters={"rank": 7}) == 5
    assert await api.count({"kind": "rain"}, "ByKind") == 0
