"""The data source of an integration, by a name of its own in each session that the integration uses.

Knows names and sessions. Must not know tables. Whoever made a session, and whatever else is registered in it,
that name reads and writes with the integration's config; it is random, so that it shows nothing of that.
"""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from dynamodb_wrapper.config import DynamoDBConfig

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_lock = Lock()
_names: list[tuple[DynamoDBConfig, str]] = []
_known: set[tuple[str, str]] = set()


def own_source(session: SparkSession, config: DynamoDBConfig) -> str:
    """What stands in `format(...)` for a config, registered in that session.

    Equal configs share a name, so that a session that outlives many integrations does not gather names.
    """
    from dynamodb_wrapper.spark.connector import register

    session_id = _id_of(session)
    with _lock:
        name = _name_of(config)
        if (session_id, name) not in _known:
            register(session, config, name)
            _known.add((session_id, name))
    return name


def _name_of(config: DynamoDBConfig) -> str:
    """The name of a config in this process; a config may have plugins that cannot be hashed."""
    for known, name in _names:
        if known == config:
            return name
    name = f"dynamodb_{uuid4().hex[:12]}"
    _names.append((config, name))
    return name


def _id_of(session: SparkSession) -> str:
    """What tells sessions apart; the objects of Python do not, for several of them may stand for one."""
    classic: Any = getattr(session, "_jsparkSession", None)
    return str(session.session_id if classic is None else classic.sessionUUID())  # type: ignore[attr-defined]
