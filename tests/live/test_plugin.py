"""The plugin in a project of its own, run as a user would run it, on moto's server."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dynamodb_wrapper.local import start
from dynamodb_wrapper.local.running import answers

Project = Callable[..., str]

ENGINE_TEST = """
def test_engine(dynamodb_engine):
    print("engine:", dynamodb_engine.name, dynamodb_engine.endpoint_url)
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """`project(source, *options)` runs pytest on a project with that test file and returns its output.

    `installed` loads the plugin as pytest finds it, together with those of other packages.
    """

    def run(source: str, *options: str, ini: str = "", expect: int = 0, installed: bool = False) -> str:
        asyncio = "asyncio_default_fixture_loop_scope = function" if installed else ""
        (tmp_path / "pytest.ini").write_text(f"[pytest]\n{asyncio}\n{ini}\n")
        (tmp_path / "test_it.py").write_text(source)
        # Without the plugins of all installed packages pytest starts in a third of the time.
        alone = [] if installed else ["-p", "dynamodb_wrapper.testing.plugin"]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-s", "-W", "error", "-p", "no:cacheprovider", *alone, *options],
            cwd=tmp_path,
            env={**os.environ, **({} if installed else {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == expect, done.stdout + done.stderr
        return done.stdout

    return run


def test_the_engine_is_chosen_by_option_and_by_ini_file(project: Project) -> None:
    assert "engine: moto http://127.0.0.1:" in project(ENGINE_TEST, "--dynamodb-engine=moto")
    assert "engine: moto http://127.0.0.1:" in project(ENGINE_TEST, ini="dynamodb_engine = moto")


def test_an_engine_that_runs_already_is_used_and_left_running(project: Project) -> None:
    with start("moto") as engine:
        option = f"--dynamodb-endpoint={engine.endpoint_url}"
        assert f"engine: external {engine.endpoint_url}" in project(ENGINE_TEST, option)
        assert f"engine: external {engine.endpoint_url}" in project(ENGINE_TEST, option)


def test_each_test_has_a_table_prefix_of_its_own_and_credentials_that_every_engine_takes(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "of-the-user")
    monkeypatch.setenv("DYNAMODB_TABLE_PREFIX", "of-the-user")
    project(
        """
        seen = []

        def check(config, engine):
            assert config.endpoint_url == engine.endpoint_url
            assert config.table_prefix not in ["", "of-the-user", *seen]
            assert config.aws_access_key_id.isalnum()
            assert config.aws_session_token is None
            seen.append(config.table_prefix)

        def test_one(dynamodb_config, dynamodb_engine):
            check(dynamodb_config, dynamodb_engine)

        def test_two(dynamodb_config, dynamodb_engine):
            check(dynamodb_config, dynamodb_engine)
            assert len(seen) == 2
        """.replace("\n        ", "\n"),
        "--dynamodb-engine=moto",
    )


def test_tables_are_made_from_meta_and_dropped_after_the_test(project: Project) -> None:
    project(
        """
        import boto3
        import pytest
        from pydantic import BaseModel

        class Note(BaseModel):
            note_id: str
            author: str

            class Meta:
                table_name = "notes"
                partition_key = "note_id"
                gsis = [{"name": "ByAuthor", "partition_key": "author"}]

        @pytest.fixture
        def names(dynamodb_engine):
            client = boto3.client(
                "dynamodb", endpoint_url=dynamodb_engine.endpoint_url, region_name="us-east-1",
                aws_access_key_id="local", aws_secret_access_key="local",
            )
            yield lambda: client.list_tables()["TableNames"]
            client.close()

        def test_made(dynamodb_tables, dynamodb_config, names):
            made = dynamodb_tables(Note)
            assert made == [dynamodb_config.get_table_name("notes")]
            assert names() == made

        def test_dropped(names):
            assert names() == []
        """.replace("\n        ", "\n"),
        "--dynamodb-engine=moto",
    )


def test_workers_of_xdist_have_an_engine_each_and_stop_it(project: Project, tmp_path: Path) -> None:
    source = f"""
import pathlib
import pytest

@pytest.mark.parametrize("number", range(4))
def test_one(dynamodb_engine, worker_id, number):
    (pathlib.Path({str(tmp_path)!r}) / worker_id).write_text(dynamodb_engine.endpoint_url)
"""
    assert "4 passed" in project(source, "-p", "xdist", "-n", "2", "--dynamodb-engine=moto")
    urls = {(tmp_path / worker).read_text() for worker in ("gw0", "gw1")}
    assert len(urls) == 2
    assert not any(answers(url) for url in urls)


def test_an_engine_that_does_not_answer_fails_the_test_with_its_reason(project: Project) -> None:
    told = project(ENGINE_TEST, "--dynamodb-endpoint=http://127.0.0.1:1", expect=1)
    assert "Nothing answers as DynamoDB does at http://127.0.0.1:1" in told


def test_an_engine_that_there_is_not_is_refused_at_once(project: Project) -> None:
    project(ENGINE_TEST, "--dynamodb-engine=postgres", expect=4)


def test_a_project_that_does_not_use_it_can_switch_it_off_and_imports_nothing_for_it(
    project: Project,
) -> None:
    source = """
import sys

def test_nothing_was_imported():
    heavy = ("dynamodb_wrapper.local", "dynamodb_wrapper.client", "boto3", "botocore", "moto")
    assert not [name for name in heavy if name in sys.modules]
"""
    assert "dynamodb-wrapper-" in project(source, installed=True)
    assert "dynamodb-wrapper-" not in project(source, "-p", "no:dynamodb_wrapper", installed=True)
