from __future__ import annotations

import os
from typing import Any

import pytest
from msgspec.structs import replace
from pydantic import BaseModel, Field

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.expressions import Params
from dynamodb_wrapper.operations.versions import Lock, lock_of, mark_as_stored, version_field, writers
from dynamodb_wrapper.schema import WRITES, schema_of


class Doc(BaseModel):
    id: str
    count: int = Field(default=1, alias="version")

    class Meta:
        table_name = "docs"
        partition_key = "id"
        version = "version"


class Plain(BaseModel):
    id: str

    class Meta:
        table_name = "plain"
        partition_key = "id"


SCHEMA: Any = schema_of(Doc)


def doc(version: int, tokens: str = "") -> Doc:
    made = Doc(id="a", version=version)
    vars(made)[WRITES] = tokens
    return made


def text(lock: Lock) -> str:
    condition = lock.condition()
    return "" if condition is None else condition.encode(Params())


def stored(version: int, tokens: str) -> dict[str, Any]:
    return {"version": {"N": str(version)}, WRITES: {"S": tokens}}


def test_a_model_without_a_version_has_no_lock() -> None:
    assert lock_of(schema_of(Plain), Plain(id="a")) is None


def test_the_field_is_found_by_its_alias() -> None:
    assert version_field(SCHEMA) == "count"


@pytest.mark.parametrize(
    ("version", "wanted"),
    [
        (3, "#0 = :0"),
        (0, "(attribute_not_exists(#0) OR attribute_type(#0, :0) OR #0 = :1)"),
        (1, "(attribute_not_exists(#0) OR attribute_type(#0, :0) OR #0 = :1)"),
    ],
)
def test_a_default_or_0_stands_for_an_item_that_was_not_read(version: int, wanted: str) -> None:
    lock = lock_of(SCHEMA, doc(version))
    assert lock is not None
    assert text(lock) == wanted
    assert lock.following == version + 1


def test_without_an_item_nothing_is_asked_and_the_service_counts() -> None:
    lock = lock_of(SCHEMA, None)
    assert lock is not None
    assert text(lock) == ""
    assert lock.changes()[0].encode(Params()) == "#0 = if_not_exists(#0, :0) + :1"


def note(writer: str, version: int, chance: str = "ccc", minute: str | None = None) -> str:
    with writers.token() as token:
        return f"{minute or token[:2]}{writer:_<5}{chance}{version}"


def named(lock: Lock | None, writer: str = "me") -> Lock:
    assert lock is not None
    return replace(lock, token=note(writer, 0)[:-1])


def test_the_notes_of_others_are_kept_behind_the_new_one() -> None:
    lock = named(lock_of(SCHEMA, doc(3, f"1 {note('b', 3)} {note('a', 2)}")))
    assert lock.item() == stored(4, f"1 {lock.token}4 {note('b', 3)} {note('a', 2)}")


def test_of_each_writer_only_the_last_note_is_kept() -> None:
    lock = named(lock_of(SCHEMA, doc(3, f"1 {note('b', 3)} {note('me', 2)}")))
    assert lock.writes == f"1 {lock.token}4 {note('b', 3)}"


def test_of_more_than_32_writers_the_floor_tells_what_is_missing() -> None:
    notes = [note(f"w{version}", version) for version in range(40, 8, -1)]
    lock = named(lock_of(SCHEMA, doc(40, " ".join(["2", *notes]))))
    assert lock.writes.split() == ["9", f"{lock.token}41", *notes[:31]]


@pytest.mark.parametrize("old", ["AA", "??"])
def test_old_notes_go_and_leave_a_floor(old: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dynamodb_wrapper.operations.versions.time.time", lambda: 60 * 1000)
    lock = named(lock_of(SCHEMA, doc(5, f"1 {note('b', 5)} {note('a', 4, minute=old)}")))
    assert lock.writes == f"4 {lock.token}6 {note('b', 5)}"


def test_notes_of_a_clock_that_is_ahead_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dynamodb_wrapper.operations.versions.time.time", lambda: 60 * 4097)
    ahead = note("b", 5)
    monkeypatch.setattr("dynamodb_wrapper.operations.versions.time.time", lambda: 60 * 4095)
    assert ahead in named(lock_of(SCHEMA, doc(5, f"1 {ahead}"))).writes


@pytest.mark.parametrize("text", ["", "- abcdefghij", "another thing"])
def test_without_a_floor_nothing_is_known_of_what_was_before(text: str) -> None:
    lock = named(lock_of(SCHEMA, doc(3, text)))
    assert lock.writes == f"3 {lock.token}4"


@pytest.mark.parametrize(("text", "kept"), [("", "3"), ("1 x", "1 x"), ("- x", "- x")])
def test_a_write_without_a_name_leaves_the_notes_as_they_are(text: str, kept: str) -> None:
    lock = lock_of(SCHEMA, doc(3, text))
    assert lock is not None
    assert lock.item() == stored(4, kept)
    assert len(lock.changes()) == 1


MINE = note("me", 4)


@pytest.mark.parametrize(
    ("item", "applied"),
    [
        (stored(4, f"0 {MINE}"), True),
        (stored(400, f"0 {note('b', 400)} {MINE}"), True),
        (stored(4, f"3 {note('b', 4)}"), False),
        (stored(400, f"3 {note('b', 400)} {note('c', 4)}"), False),
        (stored(6, f"4 {note('b', 6)}"), None),
        (stored(1, f"0 {note('b', 1)}"), None),
        (stored(4, f"- {note('b', 4)}"), None),
        (stored(4, "another"), None),
        ({"version": {"N": "4"}}, None),
        ({}, None),
    ],
)
def test_the_notes_tell_whether_the_write_was_applied(item: dict[str, Any], applied: bool | None) -> None:
    lock = Lock(attribute="version", token=MINE[:-1], read=3)
    assert lock.was_applied(item) is applied


def test_a_blind_write_knows_itself_only() -> None:
    lock = named(lock_of(SCHEMA, None))
    assert lock.changes()[1].encode(Params()) == "#0 = :0"
    assert lock.was_applied(stored(9, lock.writes)) is True
    assert lock.was_applied(stored(9, f"0 {note('b', 9)}")) is None


def test_an_item_that_was_made_anew_is_not_the_same() -> None:
    lock = Lock(attribute="version", read=3, history=f"1 {note('b', 3)} {note('a', 2)}")
    assert lock.is_the_same(stored(7, f"1 {note('c', 7)} {note('a', 2)}"))
    assert not lock.is_the_same(stored(4, f"0 {note('c', 4)}"))
    assert not Lock(attribute="version", read=3).is_the_same({})


def test_what_was_written_can_be_written_again() -> None:
    instance = doc(3)
    lock = named(lock_of(SCHEMA, instance))
    mark_as_stored(SCHEMA, instance, lock)
    following = lock_of(SCHEMA, instance)
    assert following is not None
    assert (instance.count, following.read, following.history) == (4, 4, lock.writes)


@pytest.mark.parametrize("version", [-1, 1.5, True, "3"])
def test_a_version_that_is_no_count_is_refused(version: Any) -> None:
    instance = Doc.model_construct(id="a", count=version)
    with pytest.raises(ValidationError, match="whole number"):
        lock_of(SCHEMA, instance)


def test_writers_at_one_time_differ_and_one_after_the_other_is_the_same() -> None:
    with writers.token() as one, writers.token() as other:
        assert one[2:7] != other[2:7]
    with writers.token() as again:
        assert again[2:7] in (one[2:7], other[2:7])
        assert again not in (one, other)


def test_a_forked_process_has_writers_of_its_own() -> None:
    with writers.token() as mine:
        pass
    reader, writer = os.pipe()
    if (child := os.fork()) == 0:
        with writers.token() as token:
            os.write(writer, token.encode())
        os._exit(0)
    os.waitpid(child, 0)
    theirs = os.read(reader, 100).decode()
    os.close(reader)
    os.close(writer)
    assert theirs[2:7] != mine[2:7]
