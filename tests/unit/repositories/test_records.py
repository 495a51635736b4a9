from __future__ import annotations

import inspect
import logging
from typing import Any

import pytest

from dynamodb_wrapper.engine.faces import Awaiting, Blocking
from dynamodb_wrapper.engine.flow import Flow, run
from dynamodb_wrapper.exceptions import ConflictError
from dynamodb_wrapper.repositories import Normalised
from dynamodb_wrapper.repositories.records import count_of, logged


class Things:
    table_name = "things"

    @logged
    def find(self, what: str) -> Flow[list[str]]:
        """Find some."""
        yield from ()
        if what == "conflict":
            raise ConflictError(f"{what} in the way")
        if what == "broken":
            raise KeyError(what)
        return [what, what]


class BlockingThings(Things, Blocking):
    def drive(self, flow: Flow[Any]) -> Any:
        return run(flow, lambda effect: None)


class AwaitingThings(Things, Awaiting):
    async def drive(self, flow: Flow[Any]) -> Any:
        return run(flow, lambda effect: None)


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, logger="dynamodb_wrapper.repositories")
    return caplog


async def test_a_use_on_either_face_is_one_record(log: pytest.LogCaptureFixture) -> None:
    assert BlockingThings().find("secret") == await AwaitingThings().find(what="secret")
    records: list[Any] = log.records
    assert [(each.operation, each.table, each.count) for each in records] == [("find", "things", 2)] * 2
    assert all(isinstance(each.duration_ms, float) and each.duration_ms >= 0 for each in records)
    assert records[0].getMessage().startswith("find of things took ")
    assert "secret" not in "".join(each.getMessage() for each in records)


def test_an_error_of_this_library_is_a_warning_with_its_code(log: pytest.LogCaptureFixture) -> None:
    with pytest.raises(ConflictError):
        BlockingThings().find("conflict")
    record: Any
    [record] = log.records
    assert (record.levelname, record.error, record.count) == ("WARNING", "conflict", 0)
    assert record.getMessage().endswith("conflict")
    assert "in the way" not in record.getMessage()


def test_a_fault_of_the_program_is_not_recorded(log: pytest.LogCaptureFixture) -> None:
    with pytest.raises(KeyError):
        BlockingThings().find("broken")
    assert log.records == []


def test_the_method_keeps_its_name_its_documentation_and_its_parameters() -> None:
    face: Any
    for face in (BlockingThings, AwaitingThings):
        assert (face.find.__name__, face.find.__doc__) == ("find", "Find some.")
        assert list(inspect.signature(face.find).parameters) == ["self", "what"]
        assert str(inspect.signature(face.find).return_annotation) == "list[str]"


@pytest.mark.parametrize(
    ("result", "count"),
    [
        (None, 0),
        (False, 0),
        (True, 1),
        (7, 7),
        ([1, 2], 2),
        ([], 0),
        ("an item", 1),
        (Normalised(9, 4, ()), 4),
    ],
)
def test_a_result_counts_as_the_items_in_it(result: object, count: int) -> None:
    assert count_of(result) == count
