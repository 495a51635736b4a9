"""Events are sent in order by a thread of its own; a server that fails costs events, never time."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from tests.support.receiver import Receiver

from dynamodb_wrapper.runs import delivery
from dynamodb_wrapper.runs.delivery import MOST_WAITING, Delivery, to_file, to_server


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "AGAIN_SECONDS", 0.02)


def test_each_event_is_a_line_of_a_file_whose_folder_is_made(tmp_path: Path) -> None:
    path = tmp_path / "new" / "events.jsonl"
    sent = Delivery(to_file(path), 1)
    for number in range(100):
        sent.put({"number": number})
    assert sent.flush(10)
    assert [json.loads(line)["number"] for line in path.read_text().splitlines()] == list(range(100))


def test_an_event_is_sent_again_until_the_server_takes_it_and_the_order_is_kept(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with Receiver([503, 429, 500]) as server:
        sent = Delivery(to_server(server.url, {"Authorization": "Bearer x"}, 5), 10)
        for number in range(3):
            sent.put({"number": number})
        assert sent.flush(10)
    assert [event["number"] for event in server.received] == [0, 1, 2]
    assert server.requests == 6
    assert server.headers[0]["Authorization"] == "Bearer x"
    assert server.headers[0]["Content-Type"] == "application/json"
    assert len([text for text in caplog.messages if "cannot be sent" in text]) == 1
    assert len([text for text in caplog.messages if "can be sent again" in text]) == 1


def test_an_event_that_is_refused_is_dropped_and_the_next_one_sent(caplog: pytest.LogCaptureFixture) -> None:
    with Receiver([422]) as server:
        sent = Delivery(to_server(server.url, {}, 5), 10)
        sent.put({"number": 0})
        sent.put({"number": 1})
        assert sent.flush(10)
    assert [event["number"] for event in server.received] == [1]
    assert "422" in caplog.text


def test_an_event_that_is_no_json_is_dropped(caplog: pytest.LogCaptureFixture) -> None:
    with Receiver() as server:
        sent = Delivery(to_server(server.url, {}, 5), 10)
        sent.put({"number": {("a", "b"): 1}})
        sent.put({"number": 1})
        assert sent.flush(10)
    assert [event["number"] for event in server.received] == [1]
    assert "keys must be str" in caplog.text


def test_a_server_that_is_not_there_is_given_up_when_the_patience_ends(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    sent = Delivery(to_server(url, {}, 5), 0.1)
    for number in range(50):
        sent.put({"number": number})
    assert sent.flush(10)
    assert len(caplog.records) == 1


def test_of_too_many_events_the_oldest_are_dropped() -> None:
    let, arrived = threading.Event(), []

    def send(event: bytes) -> None:
        let.wait(10)
        arrived.append(json.loads(event)["number"])

    sent = Delivery(send, 1)
    for number in range(MOST_WAITING + 50):
        sent.put({"number": number})
    let.set()
    assert sent.flush(10)
    assert len(arrived) in (MOST_WAITING, MOST_WAITING + 1)
    assert arrived[-1] == MOST_WAITING + 49


def test_the_interpreter_waits_for_what_is_not_sent_yet(tmp_path: Path) -> None:
    code = (
        "import sys, time\n"
        "from dynamodb_wrapper.runs.delivery import Delivery, to_file\n"
        "from pathlib import Path\n"
        "write = to_file(Path(sys.argv[1]))\n"
        "sent = Delivery(lambda event: (time.sleep(0.1), write(event)), 1)\n"
        "sent.put({'a': 1})\n"
        "sent.put({'a': 2})\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "f")], check=True)
    assert (tmp_path / "f").read_text() == '{"a": 1}\n{"a": 2}\n'
