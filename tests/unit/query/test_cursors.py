"""Cursors: nobody can alter one, or use it for anything but the query that it came from."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from dynamodb_wrapper import DynamoDBConfig, ValidationError
from dynamodb_wrapper.query.cursors import Cursors

START = {"pipeline_id": {"S": "p-ø"}, "number": {"N": "1"}, "raw": {"B": "AAE="}, "from the start": None}


def config(**settings: Any) -> DynamoDBConfig:
    return DynamoDBConfig(**({"aws_access_key_id": "local", "aws_secret_access_key": "local"} | settings))


def test_a_cursor_gives_back_what_was_sealed() -> None:
    cursors = Cursors(config())
    sealed = cursors.seal(START, b"query")
    assert cursors.open(sealed, b"query") == START
    assert Cursors(config()).open(sealed, b"query") == START
    assert sealed.replace("-", "").replace("_", "").isalnum()


def test_a_cursor_belongs_to_one_query() -> None:
    cursors = Cursors(config())
    with pytest.raises(ValidationError, match="another query") as caught:
        cursors.open(cursors.seal(START, b"query"), b"another")
    assert caught.value.errors.keys() == {"last_key"}


@pytest.mark.parametrize("length", range(3))
def test_no_character_can_be_altered_added_or_left_out(length: int) -> None:
    """Base64 has several texts for the same bytes, depending on their number: only one is taken."""
    cursors = Cursors(config())
    sealed = cursors.seal({"k": {"S": "x" * length}}, b"query")
    altered = [
        sealed[:at] + other + sealed[at + 1 :]
        for at in range(len(sealed))
        for other in "AQgwBRhx-_*\n= é"
        if other != sealed[at]
    ]
    altered += [
        sealed[:at] + more + sealed[at:] for at in range(len(sealed) + 1) for more in ("A", "=", "*", " ")
    ]
    altered += [sealed[:at] for at in range(len(sealed))]
    for text in altered:
        with pytest.raises(ValidationError):
            cursors.open(text, b"query")


@pytest.mark.parametrize("cursor", ["", "A", "*", "not one of ours", 7, b"AAAA", {"id": "x"}])
def test_what_is_no_cursor_is_refused(cursor: Any) -> None:
    with pytest.raises(ValidationError, match="last_key"):
        Cursors(config()).open(cursor, b"query")


def test_equal_secrets_share_cursors_and_different_ones_do_not() -> None:
    mine = Cursors(config(cursor_secret="ours", aws_secret_access_key="mine"))
    yours = Cursors(config(cursor_secret="ours", aws_secret_access_key="yours"))
    assert yours.open(mine.seal(START, b"query"), b"query") == START
    for other in (config(cursor_secret="theirs"), config(aws_secret_access_key="yours"), config()):
        with pytest.raises(ValidationError, match="cursor_secret"):
            Cursors(other).open(mine.seal(START, b"query"), b"query")


def test_without_any_secret_cursors_last_as_long_as_the_process() -> None:
    nothing = config(aws_access_key_id=None, aws_secret_access_key=None)
    assert Cursors(nothing).open(Cursors(nothing).seal(START, b"query"), b"query") == START


def test_a_cursor_may_expire() -> None:
    cursors = Cursors(config())
    lasting = cursors.seal(START, b"query", lifetime=timedelta(minutes=1))
    assert cursors.open(lasting, b"query") == START
    with pytest.raises(ValidationError, match="has expired"):
        cursors.open(cursors.seal(START, b"query", lifetime=timedelta(0)), b"query")
    with pytest.raises(ValidationError, match="another query"):
        cursors.open(lasting, b"another")
