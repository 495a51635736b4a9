"""The real engines: what they store is there for boto3, is kept in a folder, and ends with its owner."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, get_args

import boto3
import pytest

from dynamodb_wrapper.cli import main
from dynamodb_wrapper.local import ENGINES, RunningEngine, start
from dynamodb_wrapper.local.engines import RealEngineName, choose
from dynamodb_wrapper.local.processes import started_at
from dynamodb_wrapper.local.running import answers

KEEPING = [name for name, engine in ENGINES.items() if engine.keeps_data]


@contextmanager
def client(engine: RunningEngine, access_key: str = "local", region: str = "us-east-1") -> Iterator[Any]:
    made = boto3.client(
        "dynamodb",
        endpoint_url=engine.endpoint_url,
        region_name=region,
        aws_access_key_id=access_key,
        aws_secret_access_key="secret",
    )
    try:
        yield made
    finally:
        made.close()


def make_table(db: Any, name: str) -> None:
    db.create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    db.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 10})


def needs(name: RealEngineName) -> None:
    reason = ENGINES[name].missing()
    if reason:
        pytest.skip(f"{name}: {reason}")


def test_an_engine_stores_items(engine: RunningEngine) -> None:
    with client(engine) as db:
        make_table(db, "stored_items")
        db.put_item(TableName="stored_items", Item={"id": {"S": "a"}, "count": {"N": "1"}})
        stored = db.get_item(TableName="stored_items", Key={"id": {"S": "a"}})["Item"]
        assert stored == {"id": {"S": "a"}, "count": {"N": "1"}}
        db.delete_table(TableName="stored_items")


def test_the_fixtures_tables_are_seen_by_boto3(
    engine: RunningEngine, boto3_client: Any, boto3_table: Callable[[str], Any]
) -> None:
    make_table(boto3_client, "seen_by_both")
    boto3_table("seen_by_both").put_item(Item={"id": "a"})
    assert boto3_client.scan(TableName="seen_by_both")["Items"] == [{"id": {"S": "a"}}]
    boto3_client.delete_table(TableName="seen_by_both")


@pytest.mark.parametrize("name", KEEPING)
def test_what_is_kept_in_a_folder_is_there_after_a_restart_whoever_asks(
    name: RealEngineName, tmp_path: Path
) -> None:
    needs(name)
    with start(name, data=tmp_path / "data") as first, client(first) as db:
        make_table(db, "kept")
        db.put_item(TableName="kept", Item={"id": {"S": "a"}})
    with start(name, data=tmp_path / "data") as second, client(second, "another", "eu-west-1") as db:
        assert db.scan(TableName="kept")["Items"] == [{"id": {"S": "a"}}]


@pytest.mark.parametrize("name", KEEPING)
def test_a_killed_owner_takes_its_engine_along(name: RealEngineName) -> None:
    needs(name)
    code = (
        "import time\n"
        "from dynamodb_wrapper.local import start\n"
        f"print(start({name!r}).pid, flush=True)\n"
        "time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        pid = int(owner.stdout.readline())
        owner.send_signal(signal.SIGKILL)
    until = time.monotonic() + 15
    while started_at(pid) and time.monotonic() < until:
        time.sleep(0.05)
    assert started_at(pid) is None


def test_dynoxide_runs_in_one_thread_besides_its_main_one() -> None:
    needs("dynoxide")
    with start("dynoxide") as engine:
        assert len(list(Path(f"/proc/{engine.pid}/task").iterdir())) == 2


def test_auto_starts_the_first_engine_that_can_run_here() -> None:
    with start() as engine:
        assert engine.name == choose("auto").name
        assert engine.name in get_args(RealEngineName)
        assert answers(engine.endpoint_url)


@pytest.mark.parametrize("name", KEEPING)
def test_the_command_lines_engine_keeps_its_data_from_one_start_to_the_next(
    name: RealEngineName, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    needs(name)

    def local(*arguments: str) -> str:
        assert main(["local", *arguments, "--data", str(tmp_path)]) == 0
        return capsys.readouterr().out

    def url(told: str) -> str:
        return told.rpartition("DYNAMODB_ENDPOINT_URL=")[2].split()[0]

    try:
        told = local("start", "--engine", name)
        assert f"data in {tmp_path}" in told
        with client(RunningEngine(name, url(told))) as db:
            make_table(db, "kept")
        local("stop")
        with client(RunningEngine(name, url(local("start", "--engine", name)))) as db:
            assert db.list_tables()["TableNames"] == ["kept"]
    finally:
        local("stop")
