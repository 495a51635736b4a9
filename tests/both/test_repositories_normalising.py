"""Normalising a table while others write to it, and of models whose Meta or plugins keep more."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from dynamodb_wrapper import BaseDynamoRepository, DynamoDB, DynamoDBModel, Encrypted
from dynamodb_wrapper.engine.events import AttemptEnded
from dynamodb_wrapper.plugins.encryption import Encryption, Keyring
from dynamodb_wrapper.repositories import Normalised

OLD, NORMAL = "2026-01-31T12:00:00Z", "2026-01-31T12:00:00.000000+00:00"


class Event(DynamoDBModel):
    class Meta:
        table_name = "events"
        partition_key = "name"
        sort_key = "at"

    name: str
    at: datetime
    ended: datetime | None = None


class EventRepository(BaseDynamoRepository[Event]):
    model_class = Event


class Person(DynamoDBModel):
    class Meta:
        table_name = "people"
        partition_key = "name"
        version = "revision"

    name: str
    born: datetime
    secret: Encrypted[str]
    revision: int = 0


class PersonRepository(BaseDynamoRepository[Person]):
    model_class = Person


@pytest.fixture
def events(tables: Callable[..., list[str]], boto3_table: Callable[[str], Any]) -> Any:
    return boto3_table(tables(Event)[0])


def repository_with(config: Any, on_scan: Callable[[], object]) -> EventRepository:
    """A repository; whenever a page has been read, that is done before anything is written."""

    def observe(event: object) -> None:
        if isinstance(event, AttemptEnded) and event.call.action == "Scan":
            on_scan()

    return EventRepository(client=DynamoDB(config, observers=[observe]))


def test_what_others_wrote_meanwhile_is_kept_and_normalised_too(config: Any, events: Any) -> None:
    key = {"name": "a", "at": NORMAL}
    events.put_item(Item=key | {"ended": OLD})
    later = {"ended": "2027-01-31T12:00:00Z", "legacy": "kept"}
    repository = repository_with(config, lambda: events.put_item(Item=key | later))
    with repository.client:
        assert repository.normalise_all() == Normalised(1, 1, ())
    expected = key | {"ended": "2027-01-31T12:00:00.000000+00:00", "legacy": "kept"}
    assert events.get_item(Key=key)["Item"] == expected


def test_what_others_removed_or_normalised_meanwhile_is_no_write(config: Any, events: Any) -> None:
    key = {"name": "a", "at": NORMAL}
    events.put_item(Item=key | {"ended": OLD})
    repository = repository_with(config, lambda: events.put_item(Item=key | {"ended": NORMAL}))
    with repository.client:
        assert repository.normalise_all() == Normalised(1, 0, ())
    events.put_item(Item=key | {"ended": OLD})
    repository = repository_with(config, lambda: events.delete_item(Key=key))
    with repository.client:
        assert repository.normalise_all() == Normalised(1, 0, ())
    assert "Item" not in events.get_item(Key=key)


def test_a_key_in_an_old_form_is_left_and_named(config: Any, events: Any) -> None:
    old = {"name": "a", "at": OLD, "ended": OLD}
    for item in (old, {"name": "b", "at": NORMAL, "ended": OLD}):
        events.put_item(Item=item)
    with EventRepository(config) as repository:
        assert repository.normalise_all() == Normalised(2, 1, (f"a/{OLD}",))
    assert events.get_item(Key={"name": "a", "at": OLD})["Item"] == old


def test_all_pages_are_normalised(config: Any, events: Any) -> None:
    with events.batch_writer() as batch:
        for number in range(30):
            batch.put_item(Item={"name": str(number), "at": NORMAL, "ended": OLD, "filler": "x" * 60_000})
    with EventRepository(config) as repository:
        assert repository.normalise_all() == Normalised(30, 30, ())
        assert repository.normalise_all() == Normalised(30, 0, ())


def test_encrypted_fields_stay_as_they_are_and_versions_too(
    config: Any, tables: Callable[..., list[str]], boto3_table: Callable[[str], Any]
) -> None:
    table = boto3_table(tables(Person)[0])
    plugin = Encryption(Keyring({"k": b"k" * 32}, current="k"), [Person])
    with PersonRepository(config.replace(plugins=(plugin,))) as people:
        people.create(Person(name="ada", born=datetime(1815, 12, 10, tzinfo=UTC), secret="x"))
        table.update_item(
            Key={"name": "ada"},
            UpdateExpression="SET born = :old",
            ExpressionAttributeValues={":old": "1815-12-10T00:00:00Z"},
        )
        before = table.get_item(Key={"name": "ada"})["Item"]
        assert people.normalise_all() == Normalised(1, 1, ())
        after = table.get_item(Key={"name": "ada"})["Item"]
        assert after == before | {"born": "1815-12-10T00:00:00.000000+00:00"}
        read = people.get_or_raise("ada")
        assert (read.secret, read.revision) == ("x", 1)
        assert people.normalise_all() == Normalised(1, 0, ())
