from __future__ import annotations

import time
from uuid import UUID

import pytest

from dynamodb_wrapper.runs.ids import uuid7


def test_an_id_is_a_uuid_of_version_7_of_this_moment() -> None:
    before = int(time.time() * 1000)
    made = UUID(uuid7())
    assert (made.version, made.variant) == (7, "specified in RFC 4122")
    assert before <= made.int >> 80 <= int(time.time() * 1000)


def test_ids_differ_and_sort_by_time(monkeypatch: pytest.MonkeyPatch) -> None:
    ids = []
    for moment in range(100):
        monkeypatch.setattr(time, "time", lambda moment=moment: 1.0e9 + moment / 1000)
        ids.append(uuid7())
    assert ids == sorted(set(ids))
