"""Items that expire (`Meta.ttl`) on real engines: one scenario, both faces."""

from __future__ import annotations

import math
import time
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, ClassVar

import pytest

from dynamodb_wrapper import AsyncReadApi, AsyncWriteApi, Dto, ReadApi, View, WriteApi
from dynamodb_wrapper.client import DynamoDB
from dynamodb_wrapper.exceptions import ConflictError, ItemNotFoundError, MetaError, ValidationError
from dynamodb_wrapper.expressions import Compare, Path
from dynamodb_wrapper.expressions.functions import in_
from dynamodb_wrapper.models import DynamoDBModel, Instant
from dynamodb_wrapper.operations import All, Query, Scan
from dynamodb_wrapper.operations.expiry import FIVE_YEARS_SECONDS, is_expired, not_expired
from dynamodb_wrapper.repositories import AsyncBaseDynamoRepository, BaseDynamoRepository
from dynamodb_wrapper.schema import GSI, schema_of


class Session(DynamoDBModel):
    name: str
    ends: datetime | None = None
    text: str = ""

    class Meta:
        table_name = "sessions"
        partition_key = "name"
        ttl = "ends"


class SessionView(View):
    name: str
    text: str | None = None


class NewSession(Dto):
    name: str
    text: str = ""


class SessionReads(ReadApi[Session, SessionView]):
    model, view = Session, SessionView


class AsyncSessionReads(AsyncReadApi[Session, SessionView]):
    model, view = Session, SessionView


class SessionWrites(WriteApi[Session, NewSession]):
    model, dto = Session, NewSession


class AsyncSessionWrites(AsyncWriteApi[Session, NewSession]):
    model, dto = Session, NewSession


class Sessions(BaseDynamoRepository[Session]):
    model_class = Session


class AsyncSessions(AsyncBaseDynamoRepository[Session]):
    model_class = Session


class Ticket(DynamoDBModel):
    name: str
    expires: int | None = None

    class Meta:
        table_name = "tickets"
        partition_key = "name"
        ttl = "expires"


NOW = datetime.now(UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
async def db(face: Any, lasting_tables: Any) -> Any:
    lasting_tables(Session, Ticket)
    return face(DynamoDB)


class TestStored:
    @pytest.fixture
    async def db(self, face: Any, tables: Any) -> Any:
        tables(Session, Ticket)
        return face(DynamoDB)

    async def test_a_datetime_is_stored_in_whole_seconds_and_read_back(
        self, db: Any, boto3_table: Any, config: Any, boto3_client: Any
    ) -> None:
        moment = datetime(2030, 1, 1, 12, 0, 0, 250_000, tzinfo=timezone(HOUR))
        await db.put(Session(name="a", ends=moment, text="x"))
        table = config.get_table_name("sessions")
        stored = boto3_table(table).get_item(Key={"name": "a"})["Item"]
        assert stored["ends"] == math.ceil(moment.timestamp())
        got = await db.get(Session, "a")
        assert got == Session(name="a", ends=datetime(2030, 1, 1, 11, 0, 1, tzinfo=UTC), text="x")
        described = boto3_client.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
        assert described == {"TimeToLiveStatus": "ENABLED", "AttributeName": "ends"}

    async def test_an_update_and_a_condition_use_seconds_too(
        self, db: Any, boto3_table: Any, config: Any
    ) -> None:
        later = (NOW + 2 * HOUR).replace(microsecond=0)
        await db.put(Session(name="a", ends=later))
        after = await db.update(
            Session, "a", {"ends": later + HOUR}, condition=Compare(Path(("ends",)), "=", later)
        )
        assert after.ends == later + HOUR
        stored = boto3_table(config.get_table_name("sessions")).get_item(Key={"name": "a"})["Item"]
        assert stored["ends"] == (later + HOUR).timestamp()
        assert (await db.update(Session, "a", {"ends": None})).ends is None

    async def test_a_naive_datetime_is_refused(self, db: Any) -> None:
        with pytest.raises(ValidationError, match="time zone"):
            await db.put(Session(name="a", ends=datetime(2030, 1, 1)))

    async def test_an_older_text_is_still_read(self, db: Any, boto3_table: Any, config: Any) -> None:
        boto3_table(config.get_table_name("sessions")).put_item(
            Item={"name": "a", "text": "", "ends": "2030-01-01T00:00:00Z"}
        )
        assert (await db.get(Session, "a")).ends == datetime(2030, 1, 1, tzinfo=UTC)

    def test_another_type_is_refused_with_the_mend(self) -> None:
        class Wrong(DynamoDBModel):
            name: str
            ends: str

            class Meta:
                table_name = "wrong"
                partition_key = "name"
                ttl = "ends"

        with pytest.raises(MetaError, match=r"make it an int .* or a datetime"):
            schema_of(Wrong)


class TestHidden:
    async def test_an_expired_item_is_hidden_unless_asked_for(self, db: Any) -> None:
        old, new = Session(name="old", ends=NOW - HOUR), Session(name="new", ends=NOW + HOUR)
        lasting = Session(name="lasting")
        for session in (old, new, lasting):
            await db.put(session)
        assert await db.get(Session, "old") is None
        shown = await db.get(Session, "old", include_expired=True)
        assert shown.name == "old"
        assert (await db.get(Session, "new")).name == "new"
        names = ["old", "new", "lasting", "old"]
        for read in (
            await db.batch_get(Session, names),
            await db.transact_get([(Session, name) for name in names]),
        ):
            assert [item and item.name for item in read] == [None, "new", "lasting", None]
        for read in (
            await db.batch_get(Session, names, include_expired=True),
            await db.transact_get([(Session, name) for name in names], include_expired=True),
        ):
            assert [item and item.name for item in read] == names

    async def test_what_the_service_never_deletes_is_not_hidden(self, db: Any) -> None:
        for name, expires in (("zero", 0), ("ancient", int(time.time()) - FIVE_YEARS_SECONDS - 60)):
            await db.put(Ticket(name=name, expires=expires))
            assert (await db.get(Ticket, name)).name == name

    async def test_the_condition_agrees(self, db: Any, config: Any) -> None:
        now = int(time.time())
        ends = {"none": None, "zero": 0, "past": now - 60, "future": now + 600}
        for name, expires in ends.items():
            await db.put(Ticket(name=name, expires=expires))
        schema = schema_of(Ticket)
        scan = Scan(
            table=config.get_table_name("tickets"),
            reader=schema.codec,
            key_fields=("name",),
            filter=not_expired(schema),
        )
        found = {ticket.name for ticket in await db.run(All(scan))}
        assert found == {
            name for name, expires in ends.items() if not is_expired(Ticket(name=name, expires=expires))
        }
        assert found == {"none", "zero", "future"}


class TestApis:
    @pytest.fixture
    async def two(self, db: Any) -> None:
        for name, ends in (("old", NOW - HOUR), ("new", NOW + HOUR)):
            await db.put(Session(name=name, ends=ends))

    async def test_reads_hide_what_is_expired(self, two: None, face: Any) -> None:
        api = face(SessionReads)
        assert await api.find("old") is None
        with pytest.raises(ItemNotFoundError):
            await api.get("old", ["text"])
        assert await api.get("new", ["text"]) == SessionView(name="new", text="")
        assert await api.query({"name": "old"}) == ([], None)
        assert await api.count({"name": "old"}) == 0
        items, _ = await api.scan()
        assert [item.name for item in items] == ["new"]

    async def test_and_so_do_repositories(self, two: None, face: Any) -> None:
        repository = face(Sessions)
        assert await repository.get("old") is None
        assert await repository.query_by_pk("old") == []
        assert [item.name for item in await repository.list_all()] == ["new"]

    async def test_a_create_replaces_what_is_expired_and_nothing_else(self, two: None, face: Any) -> None:
        api = face(SessionWrites)
        assert (await api.create(NewSession(name="old", text="x"))).text == "x"
        with pytest.raises(ConflictError):
            await api.create(NewSession(name="new", text="x"))

    async def test_an_upsert_keeps_nothing_of_what_is_expired(self, two: None, db: Any, face: Any) -> None:
        api = face(SessionWrites)
        for name in ("old", "new", "third"):
            await api.upsert(NewSession(name=name, text="x"))
        found = await db.batch_get(Session, ["old", "new", "third"])
        assert [(item.text, item.ends is None) for item in found] == [("x", True), ("x", False), ("x", True)]

    async def test_pages_go_on_while_time_passes(
        self, db: Any, face: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ends = [NOW - HOUR, NOW + HOUR, None]
        await db.batch_write(Session, puts=[Session(name=f"{n}", ends=ends[n % 3]) for n in range(30)])
        api = face(SessionReads)
        first, next_key = await api.scan(limit=8)
        later = time.time() + 7200
        monkeypatch.setattr("dynamodb_wrapper.operations.expiry.time.time", lambda: later)
        second, end = await api.scan(limit=30, last_key=next_key)
        assert (len(first), end) == (8, None)
        assert all(int(item.name) % 3 == 2 for item in second)


class Job(DynamoDBModel):
    """An item of a sparse index: only while it has a worker."""

    name: str
    worker: str | None = None
    until: Instant | None = None

    class Meta:
        table_name = "jobs"
        partition_key = "name"
        ttl = "until"
        gsis: ClassVar = [GSI("ByWorker", "worker")]


async def test_an_item_without_the_key_of_an_index_is_not_in_it(face: Any, tables: Any, config: Any) -> None:
    tables(Job)
    db = face(DynamoDB)
    await db.batch_write(Job, puts=[Job(name="free"), Job(name="taken", worker="ada")])
    query = Query(
        table=config.get_table_name("jobs"),
        reader=schema_of(Job).codec,
        key_fields=("name", "worker"),
        index="ByWorker",
        key_condition=Compare(Path(("worker",)), "=", "ada"),
    )
    assert [job.name for job in await db.run(All(query))] == ["taken"]
    await db.update(Job, "taken", {"worker": None})
    assert await db.run(All(query)) == []


class Visit(DynamoDBModel):
    name: str
    number: int
    room: str = "a"
    ends: datetime | None = None
    weight: int = 0

    class Meta:
        table_name = "visits"
        partition_key = "name"
        sort_key = "number"
        gsis: ClassVar = [
            GSI("ByRoom", "room", "number", projection="KEYS_ONLY"),
            GSI("ByEnd", "room", "ends"),
        ]
        ttl = "ends"


@pytest.fixture
async def visits(face: Any, lasting_tables: Any) -> Any:
    lasting_tables(Visit)
    db = face(DynamoDB)
    ends = [NOW - HOUR, NOW + HOUR, None]
    await db.batch_write(
        Visit, puts=[Visit(name="v", number=number, ends=ends[number % 3]) for number in range(30)]
    )
    return db


ALIVE = [number for number in range(30) if number % 3]


class TestQueries:
    @pytest.mark.parametrize(
        "ask",
        [
            lambda db: db.query(Visit).where(Visit.name == "v"),
            lambda db: db.query(Visit).where(Visit.room == "a").index("ByRoom"),
            lambda db: db.query(Visit).where(Visit.name == "v", in_(Visit.number, range(30))),
            lambda db: db.query(Visit).where(Visit.number >= 0).allow_scan(),
            lambda db: db.query(Visit).where((Visit.name == "v") | (Visit.name == "w")),
        ],
        ids=["query", "hydrated", "batch-get", "scan", "fan-out"],
    )
    async def test_expired_items_are_hidden_unless_asked_for(self, ask: Any, visits: Any) -> None:
        query = ask(visits)
        assert sorted(visit.number for visit in await query.all()) == ALIVE
        assert await query.count() == 20
        assert (await query.first()).number in ALIVE
        assert sorted([visit.number async for visit in query]) == ALIVE
        everything = query.include_expired()
        assert len(await everything.all()) == await everything.count() == 30
        assert query.explain().hides == "what is past its ends"
        assert everything.explain().hides is None

    async def test_of_an_index_by_the_expiry_the_items_are_judged_here(self, visits: Any) -> None:
        query = visits.query(Visit).where(Visit.room == "a", Compare(Path(("ends",)), ">", NOW - 2 * HOUR))
        assert query.explain().index == "ByEnd"
        assert await query.count() == 10
        assert await query.include_expired().count() == 20
        moment = (NOW - HOUR).replace(microsecond=0) + timedelta(seconds=1)
        gone = visits.query(Visit).where(Visit.room == "a", Visit.ends == moment)
        assert (await gone.execute()).items == []
        assert await gone.include_expired().count() == 10

    async def test_pages_go_on_while_time_passes(self, visits: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        query = visits.query(Visit).where(Visit.name == "v")
        page = await query.paginate(8).execute()
        assert [visit.number for visit in page] == ALIVE[:8]
        later = time.time() + 7200
        monkeypatch.setattr("dynamodb_wrapper.operations.expiry.time.time", lambda: later)
        page = await query.paginate(8, page.next_key).execute()
        lasting = [number for number in range(12, 30) if number % 3 == 2]
        assert [visit.number for visit in page] == lasting
        with pytest.raises(ValidationError, match="another query"):
            await query.include_expired().paginate(8, page.previous_key).execute()

    async def test_a_view_without_the_expiry_hides_them_too(self, visits: Any) -> None:
        query = visits.query(Visit).where(Visit.name == "v").select("number")
        assert [visit.number for visit in await query.all()] == ALIVE

    async def test_few_items_are_not_read_as_many(self, visits: Any) -> None:
        query = visits.query(Visit).where(Visit.name == "v")
        await query.first()
        assert query.last_cost.scanned < 10
