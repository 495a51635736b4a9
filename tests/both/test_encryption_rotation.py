"""Rotating keys on real engines while readers and writers go on: nothing false is read, nothing is lost."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any, ClassVar

import pytest

from dynamodb_wrapper.client import DynamoDB
from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.engine.flow import Call, Flow, Reply, Send
from dynamodb_wrapper.exceptions import ConflictError, DynamoDBWrapperError, ServiceError
from dynamodb_wrapper.models import DynamoDBModel
from dynamodb_wrapper.plugins import Plugin
from dynamodb_wrapper.plugins.encryption import Encryption, Keyring, RotationReport
from dynamodb_wrapper.plugins.encryption.envelope import parse
from dynamodb_wrapper.schema import BlindIndex, Encrypted

OLD, NEW = b"o" * 32, b"n" * 32
BEFORE = Keyring({"old": OLD}, current="old")
KNOWS_BOTH = Keyring({"old": OLD, "new": NEW}, current="old")
AFTER = Keyring({"old": OLD, "new": NEW}, current="new")
ONLY_NEW = Keyring({"new": NEW}, current="new")


class Letter(DynamoDBModel):
    number: int
    text: Encrypted[str] = ""
    sender: Annotated[Encrypted[str | None], BlindIndex()] = None
    revision: int = 0

    class Meta:
        table_name = "letters"
        partition_key = "number"
        version = "revision"


class Note(DynamoDBModel):
    number: int
    text: Encrypted[str]

    class Meta:
        table_name = "notes"
        partition_key = "number"


class Unmarked(DynamoDBModel):
    number: int
    text: str

    class Meta:
        table_name: ClassVar = "notes"
        partition_key = "number"


def encryption(ring: Keyring, **options: Any) -> Encryption:
    return Encryption(ring, [Letter, Note], blind_key=b"b" * 32, **options)


def text_of(number: int) -> str:
    return f"the text of note {number}"


@contextmanager
def working(work: Callable[[Callable[[], bool]], None], threads: int) -> Iterator[None]:
    """Run `work(is_over)` in threads for as long as the block runs; its errors fail the test."""
    over, errors = threading.Event(), list[BaseException]()

    def guarded() -> None:
        try:
            work(over.is_set)
        except BaseException as error:
            errors.append(error)

    started = [threading.Thread(target=guarded) for _ in range(threads)]
    for thread in started:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in started:
            thread.join()
    assert not errors, errors


def key_names(boto3_table: Any, name: str, attribute: str) -> Counter[str]:
    """The master keys under which an attribute of a table is stored."""
    pages = boto3_table(name).meta.client.get_paginator("scan").paginate(TableName=name)
    return Counter(
        parse(item[attribute].value).header.key_name
        for page in pages
        for item in page["Items"]
        if attribute in item
    )


@pytest.mark.timeout(300)
async def test_readers_see_only_true_values_while_many_items_are_rotated(
    full: bool,
    face: Any,
    config: DynamoDBConfig,
    tables: Any,
    boto3_table: Any,
    record_property: Callable[[str, object], None],
) -> None:
    (name,) = tables(Note)
    count = 10_000 if full else 1_000
    read, pages = Counter[str](), list[RotationReport]()
    with DynamoDB(config.replace(plugins=(encryption(BEFORE),))) as filler:
        filler.batch_write(Note, puts=[Note(number=n, text=text_of(n)) for n in range(count)])

    def reader(is_over: Callable[[], bool]) -> None:
        with DynamoDB(config.replace(plugins=(encryption(AFTER),))) as own:
            while not is_over():
                for note in own.query(Note).allow_scan():
                    assert note.text == text_of(note.number)
                    read["by scan"] += 1
                    if is_over():
                        return
                    if note.number % 50 == 0:
                        found = own.get(Note, note.number)
                        assert found is not None
                        assert found.text == text_of(note.number)
                        read["by key"] += 1

    plugin = encryption(AFTER)
    db = face(DynamoDB, config.replace(plugins=(plugin,)))
    with working(reader, threads=2):
        report = await db.run(plugin.rotation(Note, progress=pages.append))
    assert (report.scanned, report.rotated, report.contended, report.resume) == (count, count, 0, None)
    assert pages[-1] == report
    assert read["by scan"] > 100
    assert read["by key"] > 1
    assert key_names(boto3_table, name, "text") == {"new": count}
    with DynamoDB(config.replace(plugins=(encryption(ONLY_NEW),))) as last:
        found = last.query(Note).allow_scan().all()
    assert {note.number: note.text for note in found} == {n: text_of(n) for n in range(count)}
    print(f"{count} items rotated while {sum(read.values())} values were read, all of them true")
    record_property("read_while_rotating", sum(read.values()))


async def test_no_write_is_lost_to_a_rotation(face: Any, config: DynamoDBConfig, tables: Any) -> None:
    tables(Letter)
    letters, written = range(5), Counter[tuple[int, str]]()
    plugin = encryption(AFTER)
    db = face(DynamoDB, config.replace(plugins=(plugin,)))
    for number in letters:
        await db.put(Letter(number=number, sender=f"{number}@x"))

    def writer(is_over: Callable[[], bool]) -> None:
        mine = threading.current_thread().name.rpartition("-")[2].split(" ")[0]
        with DynamoDB(config.replace(plugins=(encryption(KNOWS_BOTH),))) as own:
            for turn in range(1_000_000):
                if is_over():
                    return
                letter = own.get(Letter, turn % len(letters), consistent=True)
                assert letter is not None
                word = f"{mine}:{turn}"
                letter.text += f" {word}"
                try:
                    own.put(letter)
                except ConflictError:
                    continue
                written[letter.number, word] += 1

    with working(writer, threads=3):
        for _ in range(20):
            report = await db.run(plugin.rotation(Letter, everything=True))
            assert report.scanned == len(letters)
            assert report.rotated + report.contended == len(letters)
    stored = [await db.get(Letter, number, consistent=True) for number in letters]
    assert Counter((each.number, word) for each in stored for word in each.text.split()) == written
    assert len(written) > 20
    assert all(each.sender == f"{each.number}@x" for each in stored)


class Stop(Plugin):
    """Lets so many updates pass, then breaks off."""

    name, version = "stop", "1"

    def __init__(self, after: int) -> None:
        self._left = after
        self.attempts = (self._layer,)

    def _layer(self, send: Send, call: Call) -> Flow[Reply]:
        if call.action == "UpdateItem":
            self._left -= 1
            if self._left < 0:
                raise ServiceError("stopped")
        return (yield from send(call))


async def test_a_rotation_that_was_broken_off_goes_on_where_it_was(
    face: Any, config: DynamoDBConfig, tables: Any, boto3_table: Any
) -> None:
    (name,) = tables(Note)
    before = face(DynamoDB, config.replace(plugins=(encryption(BEFORE),)))
    await before.batch_write(Note, puts=[Note(number=n, text=text_of(n)) for n in range(500)])
    plugin, reports = encryption(AFTER), list[RotationReport]()
    stopped = face(DynamoDB, config.replace(plugins=(plugin, Stop(after=250))))
    with pytest.raises(DynamoDBWrapperError, match="stopped"):
        await stopped.run(plugin.rotation(Note, progress=reports.append))
    done = key_names(boto3_table, name, "text")["new"]
    assert 200 <= reports[-1].rotated <= done < 500
    db = face(DynamoDB, config.replace(plugins=(plugin,)))
    report = await db.run(plugin.rotation(Note, start=reports[-1].resume))
    assert report.scanned == 500 - reports[-1].scanned
    assert report.rotated == 500 - done
    again = await db.run(plugin.rotation(Note))
    assert (again.current, again.rotated) == (500, 0)


async def test_a_table_that_was_not_encrypted_is_encrypted_in_place(
    face: Any, config: DynamoDBConfig, tables: Any, boto3_table: Any
) -> None:
    (name,) = tables(Note)
    await face(DynamoDB).batch_write(Unmarked, puts=[Unmarked(number=n, text=text_of(n)) for n in range(30)])
    strict = encryption(AFTER)
    refused = await face(DynamoDB, config.replace(plugins=(strict,))).run(strict.rotation(Note))
    assert (refused.failed, len(refused.errors), refused.rotated) == (30, 30, 0)
    lenient = encryption(AFTER, accept_plaintext=True)
    report = await face(DynamoDB, config.replace(plugins=(lenient,))).run(lenient.rotation(Note))
    assert report.rotated == 30
    assert key_names(boto3_table, name, "text") == {"new": 30}
    db = face(DynamoDB, config.replace(plugins=(encryption(AFTER),)))
    assert {each.text for each in await db.query(Note).allow_scan().all()} == set(map(text_of, range(30)))


async def test_what_cannot_be_decrypted_is_reported_and_left(
    face: Any, config: DynamoDBConfig, tables: Any, boto3_table: Any
) -> None:
    (name,) = tables(Note)
    plugin = encryption(AFTER)
    before = face(DynamoDB, config.replace(plugins=(encryption(BEFORE),)))
    await before.batch_write(Note, puts=[Note(number=n, text=text_of(n)) for n in range(3)])
    table = boto3_table(name)
    moved = table.get_item(Key={"number": 0})["Item"]["text"]
    table.put_item(Item={"number": 1, "text": moved})
    report = await face(DynamoDB, config.replace(plugins=(plugin,))).run(plugin.rotation(Note))
    assert (report.rotated, report.failed) == (2, 1)
    [error] = report.errors
    assert error.context["key"] == {"number": 1}
    assert table.get_item(Key={"number": 1})["Item"]["text"] == moved


async def test_a_missing_blind_index_is_filled_in(
    face: Any, config: DynamoDBConfig, tables: Any, boto3_table: Any
) -> None:
    (name,) = tables(Letter)
    plugin = encryption(AFTER)
    db = face(DynamoDB, config.replace(plugins=(plugin,)))
    await db.put(Letter(number=1, sender="a@x"))
    table = boto3_table(name)
    index = table.get_item(Key={"number": 1})["Item"]["sender_bidx"]
    table.update_item(Key={"number": 1}, UpdateExpression="REMOVE sender_bidx")
    assert (await db.run(plugin.rotation(Letter))).rotated == 1
    assert table.get_item(Key={"number": 1})["Item"]["sender_bidx"] == index
