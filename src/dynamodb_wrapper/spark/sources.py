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


class OwnSource:
    """What stands in `format(...)` for a config.

    Parameters:
        config: the settings. Integrations with equal ones share a name, so that a session that outlives many
            integrations does not gather names.
    """

    def __init__(self, config: DynamoDBConfig) -> None:
        self._config = config
        self._known: set[str] = set()
        self._lock = Lock()

    def name_in(self, session: SparkSession) -> str:
        """The name, registered in that session."""
        from dynamodb_wrapper.spark.connector import register

        name, session_id = _name_of(self._config), _id_of(session)
        with self._lock:
            if session_id not in self._known:
                register(session, self._config, name)
                self._known.add(session_id)
        return name


_names: list[tuple[DynamoDBConfig, str]] = []
_names_lock = Lock()


def _name_of(config: DynamoDBConfig) -> str:
    """The name of a config in this process; a config may have plugins that cannot be hashed."""
    with _names_lock:
        for known, name in _names:
            if known == config:
                return name
        name = f"dynamodb_{uuid4().hex[:12]}"
        _names.append((config, name))
        return name


def _id_of(session: SparkSession) -> str:
    """What tells sessions apart; the classes of Python do not, for several of them may stand for one."""
    classic: Any = getattr(session, "_jsparkSession", None)
    return str(session.session_id if classic is None else classic.sessionUUID())  # type: ignore[attr-defined]
