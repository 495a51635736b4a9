"""Starting and stopping, shown with moto's server, which needs nothing but pip."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from dynamodb_wrapper.local import EngineError, RunningEngine, attach, start
from dynamodb_wrapper.local.processes import started_at
from dynamodb_wrapper.local.running import answers


@pytest.fixture(scope="module")
def moto() -> Iterator[RunningEngine]:
    with start("moto") as engine:
        yield engine


def test_an_engine_that_was_started_answers_at_once(moto: RunningEngine) -> None:
    assert moto.name == "moto"
    assert moto.endpoint_url == f"http://127.0.0.1:{moto.port}"
    assert answers(moto.endpoint_url)
    assert moto.pid is not None
    assert started_at(moto.pid)


def test_an_engine_is_gone_when_its_block_ends_and_stop_may_be_called_again() -> None:
    with start("moto") as engine:
        pass
    engine.stop()
    assert not answers(engine.endpoint_url)
    assert engine.pid is not None
    assert started_at(engine.pid) is None


def test_an_engine_ends_with_a_process_that_never_stopped_it() -> None:
    code = "from dynamodb_wrapper.local import start; print(start('moto').pid)"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    assert started_at(int(done.stdout)) is None


def test_an_engine_that_was_attached_to_runs_on(moto: RunningEngine) -> None:
    with attach(moto.endpoint_url) as attached:
        assert (attached.name, attached.port, attached.pid) == ("external", moto.port, None)
    assert answers(moto.endpoint_url)


def test_attaching_to_nothing_is_an_error() -> None:
    with pytest.raises(EngineError, match=r"Nothing answers as DynamoDB does at http://127\.0\.0\.1:1\."):
        attach("http://127.0.0.1:1")


def test_a_port_that_is_taken_is_told_with_the_engines_own_words() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(EngineError, match=r"(?s)moto ended with exit status .*in use"):
            start("moto", port=port)


def test_something_else_that_answers_is_not_taken_for_an_engine() -> None:
    class Other(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"hi")

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Other) as server:
        thread = Thread(target=server.handle_request)
        thread.start()
        assert not answers(f"http://127.0.0.1:{server.server_port}")
        thread.join()


def test_moto_refuses_a_data_folder_that_it_would_not_use(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="moto cannot keep data"):
        start("moto", data=tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_a_forked_child_does_not_stop_the_engine_of_its_parent(moto: RunningEngine) -> None:
    if not hasattr(os, "fork"):
        pytest.skip("this platform has no fork")
    code = (
        "import os\n"
        "from dynamodb_wrapper.local import start\n"
        "from dynamodb_wrapper.local.running import answers\n"
        "engine = start('moto')\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    engine.stop()\n"
        "    os._exit(0)\n"
        "os.waitpid(child, 0)\n"
        "print(answers(engine.endpoint_url))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"


def test_the_folder_of_the_data_may_be_given_as_text(tmp_path: Path) -> None:
    with start("dynoxide", data=str(tmp_path / "made" / "here")) as running:
        assert answers(running.endpoint_url)
    assert (tmp_path / "made" / "here").is_dir()
