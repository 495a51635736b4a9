"""The blocking face of a query.

Knows threads. Must not know what a query does: `builder` has that.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Generic, TypeVar

from msgspec.structs import replace
from pydantic import BaseModel

from dynamodb_wrapper.engine.ahead import walk_ahead
from dynamodb_wrapper.engine.faces import Blocking
from dynamodb_wrapper.query.builder import Asked, QuerySteps

T = TypeVar("T")
V = TypeVar("V", bound=BaseModel)


class QueryBuilder(QuerySteps[T], Blocking, Generic[T]):
    """A query of the blocking client; iterating it reads page after page, one ahead."""

    def __init__(self, client: Any, asked: Asked) -> None:
        super().__init__(client, asked)
        self._drive = client.drive

    def select(self, *fields: object) -> QueryBuilder[Any]:
        """Read these fields only; items are of a class that has no others, or of the view of `as_`.

        Parameters:
            fields: names of fields, or the fields of the model's class.

        Raises:
            ValidationError: a field is not known, or a place inside one.
        """
        return QueryBuilder(self._client, self._selecting(fields))

    def as_(self, view: type[V]) -> QueryBuilder[V]:
        """Read items into a class of fewer fields; only what it has is read."""
        return QueryBuilder(self._client, replace(self._asked, view=view))

    def __iter__(self) -> Iterator[T]:
        """Every item, up to `limit`; while those of one page are used the next one is read."""
        send = self._metered()
        return walk_ahead(self._steps(send), send, self._drive)
