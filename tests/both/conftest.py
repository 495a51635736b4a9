"""What the tests of plugins share: a client that has plugins, by each way of giving them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dynamodb_wrapper.client import DynamoDB
from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.plugins import Plugin


@pytest.fixture(params=["config", "use"])
def db_with(request: pytest.FixtureRequest, face: Any, config: DynamoDBConfig) -> Callable[..., Any]:
    """`db_with(plugin, ..., **settings)` is a client of the face with these plugins."""

    def made(*plugins: Plugin, **settings: Any) -> Any:
        if request.param == "config":
            return face(DynamoDB, config.replace(plugins=plugins, **settings))
        db = face(DynamoDB, config.replace(**settings))
        for plugin in plugins:
            db.use(plugin)
        return db

    return made
