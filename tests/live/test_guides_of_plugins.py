"""The Python in the guides of plugins runs as it is printed, each guide from its first line to its last.

docs/plugins.md is run by tests/both/test_plugins.py.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dynamodb_wrapper import DynamoDB, DynamoDBModel
from dynamodb_wrapper.local import RunningEngine
from dynamodb_wrapper.plugins import RedactSecrets

DOCS = Path(__file__).parents[2] / "docs"


class Product(DynamoDBModel):
    id: str

    class Meta:
        table_name = "products"
        partition_key = "id"


@pytest.fixture
def names(
    dynamodb_engine: RunningEngine, dynamodb_config: Any, monkeypatch: pytest.MonkeyPatch, redis_server: Any
) -> Iterator[dict[str, Any]]:
    """What a guide takes for granted: settings in the environment, and a model. What it starts is ended."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "local")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("DYNAMODB_ENDPOINT_URL", dynamodb_engine.endpoint_url)
    monkeypatch.setenv("DYNAMODB_TABLE_PREFIX", dynamodb_config.table_prefix)
    found: dict[str, Any] = {"__name__": "guide", "Product": Product, "redis_url": redis_server.url}
    yield found
    if "server" in found:
        found["server"].shutdown()
        found["server"].server_close()
        found["thread"].join()
    loggers = [logging.getLogger(name) for name in logging.root.manager.loggerDict]
    for filtered in (*logging.root.handlers, *loggers):
        for each in [each for each in filtered.filters if isinstance(each, RedactSecrets)]:
            filtered.removeFilter(each)


@pytest.mark.parametrize("guide", ["cache", "resilience", "observability", "encryption"])
def test_the_snippets_run_one_after_the_other(
    guide: str, names: dict[str, Any], dynamodb_engine: RunningEngine
) -> None:
    snippets = re.findall(r"```python\n(.*?)```", (DOCS / f"{guide}.md").read_text(), re.DOTALL)
    assert snippets
    for snippet in snippets:
        code = snippet.replace("redis://cache.internal/0", names["redis_url"])
        exec(compile(code, f"{guide}.md", "exec", dont_inherit=True), names)
    db = names["db"]
    assert isinstance(db, DynamoDB)
    if guide == "encryption":
        assert [patient.diagnosis for patient in names["found"]] == ["healthy"]
        db.delete_table(names["Patient"])
    db.close()
