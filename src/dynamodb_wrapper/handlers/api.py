"""What every API is made of: a client, a model, and the two faces.

Knows how an API gets its client and ends its use. Must not know queries, commands or domains.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from pydantic import BaseModel

from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.engine.faces import AwaitingUse, BlockingUse
from dynamodb_wrapper.exceptions import MetaError
from dynamodb_wrapper.schema import TableSchema, schema_of

if TYPE_CHECKING:
    from dynamodb_wrapper.client import AsyncDynamoDB, DynamoDB

M = TypeVar("M", bound=BaseModel)


class Api:
    """The part that both faces share."""

    client: DynamoDB | AsyncDynamoDB
    _named_by_subclass: tuple[str, ...] = ()

    def _refuse_incomplete(self) -> None:
        """Tell of a class that does not name what its methods need."""
        missing = [
            name for name in self._named_by_subclass if not isinstance(getattr(self, name, None), type)
        ]
        if missing:
            name = type(self).__name__
            raise MetaError(
                f"{name} names no {' and no '.join(missing)}: derive a class from it that has "
                f"`{missing[0]} = ...`, as examples/own_domain.py does",
                context={"api": name},
            )

    @property
    def config(self) -> DynamoDBConfig:
        """The settings in use."""
        return self.client.config


class ModelApi(Api, Generic[M]):
    """An API over the table of one model, which a subclass names."""

    model: type[M]

    @property
    def _schema(self) -> TableSchema[M]:
        return schema_of(self.model)

    @property
    def _table(self) -> str:
        return self.config.get_table_name(self._schema.table_name)


class BlockingApi(Api, BlockingUse):
    """An API whose methods block; a context manager; may be shared by threads.

    Parameters:
        config: the settings; APIs with equal ones share one connection pool. Read from the environment where
            none are given.
        client: a client to use instead, with its observers and transport; it is not closed by the API.
    """

    client: DynamoDB

    def __init__(self, config: DynamoDBConfig | None = None, *, client: DynamoDB | None = None) -> None:
        from dynamodb_wrapper.client import DynamoDB

        self._refuse_incomplete()
        self._owned = client is None
        self.client = DynamoDB(config) if client is None else client  # pyright: ignore - set once
        self.observers, self._drive = self.client.observers, self.client.drive

    def close(self) -> None:
        """End the use of the shared connections."""
        if self._owned:
            self.client.close()


class AwaitingApi(Api, AwaitingUse):
    """An API whose methods are coroutines; an async context manager; bound to the loop of its first use.

    Parameters: as for `BlockingApi`, with an `AsyncDynamoDB`.
    """

    client: AsyncDynamoDB

    def __init__(self, config: DynamoDBConfig | None = None, *, client: AsyncDynamoDB | None = None) -> None:
        from dynamodb_wrapper.client import AsyncDynamoDB

        self._refuse_incomplete()
        self._owned = client is None
        self.client = AsyncDynamoDB(config) if client is None else client  # pyright: ignore - set once
        self.observers, self._drive = self.client.observers, self.client.drive

    async def close(self) -> None:
        """End the use of the shared connections."""
        if self._owned:
            await self.client.close()
