"""The pytest plugin: fixtures `dynamodb_engine`, `dynamodb_config` and `dynamodb_tables`.

    def test_create(dynamodb_config, dynamodb_tables):
        dynamodb_tables(PipelineConfig)
        with PipelineConfigWriteApi(dynamodb_config) as api:
            api.create_pipeline(dto)

Options: `--dynamodb-engine=auto|dynoxide|dynamodb-local|moto` (in the ini file: `dynamodb_engine`) and
`--dynamodb-endpoint=URL` for an engine that runs already. Each test has a table prefix of its own, and each
pytest-xdist worker an engine of its own that starts when the first test asks for it.

Knows pytest and the library's public face. It is loaded in every pytest run, so it imports them only when a
fixture is used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pydantic import BaseModel

    from dynamodb_wrapper.config import DynamoDBConfig
    from dynamodb_wrapper.local import RunningEngine

__all__ = ["dynamodb_config", "dynamodb_engine", "dynamodb_tables"]

ENGINES = ("auto", "dynoxide", "dynamodb-local", "moto")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options that choose the engine."""
    group = parser.getgroup("dynamodb", "DynamoDB engine for tests (dynamodb-wrapper)")
    group.addoption(
        "--dynamodb-engine",
        choices=ENGINES,
        default=None,
        help="the engine that the fixture dynamodb_engine starts; auto is the first that can run here",
    )
    group.addoption(
        "--dynamodb-endpoint",
        metavar="URL",
        default=None,
        help="use the engine that runs at this URL instead of starting one",
    )
    parser.addini("dynamodb_engine", "the engine that the fixture dynamodb_engine starts", default="auto")


@pytest.fixture(scope="session")
def dynamodb_engine(pytestconfig: pytest.Config) -> Iterator[RunningEngine]:
    """An engine that answers, for the whole session of this process."""
    from dynamodb_wrapper.local import attach, start

    url = pytestconfig.getoption("dynamodb_endpoint")
    name = pytestconfig.getoption("dynamodb_engine") or pytestconfig.getini("dynamodb_engine")
    with attach(url) if url else start(name) as engine:
        yield engine


@pytest.fixture
def dynamodb_config(dynamodb_engine: RunningEngine) -> DynamoDBConfig:
    """A config for the engine with a table prefix that no other test has."""
    return local_config(dynamodb_engine.endpoint_url)


@pytest.fixture
def dynamodb_tables(dynamodb_config: DynamoDBConfig) -> Iterator[Callable[..., list[str]]]:
    """A function that makes empty tables from models and returns their names; dropped after the test."""
    from dynamodb_wrapper.client import DynamoDB

    made: list[type[BaseModel]] = []
    with DynamoDB(dynamodb_config) as db:

        def make(*models: type[BaseModel]) -> list[str]:
            for model in models:
                db.create_table(model)
                made.append(model)
            return [db.table_name(model) for model in models]

        yield make
        for model in reversed(made):
            db.delete_table(model)


def local_config(endpoint_url: str) -> DynamoDBConfig:
    """Return a config for an engine on this machine with a new table prefix.

    The credentials are letters only: dynoxide refuses other access keys.
    """
    from uuid import uuid4

    from dynamodb_wrapper.config import DynamoDBConfig

    return DynamoDBConfig(
        endpoint_url=endpoint_url,
        aws_access_key_id="local",
        aws_secret_access_key="local",
        aws_session_token=None,
        profile_name=None,
        region_name="us-east-1",
        table_prefix=f"t{uuid4().hex[:12]}_",
        environment="test",
        user_timezone=None,
    )
