"""A table as boto3's `Table` resource has it: the same names, arguments and response shapes.

Knows boto3's surface. Must not know models, business rules or zones: values go in and come out as they are,
and a datetime that is not in UTC is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from dynamodb_wrapper.client import AsyncDynamoDB, DynamoDB
from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.core.batch_writer import AsyncBatchWriter, BatchWriter
from dynamodb_wrapper.core.raw import RawCall
from dynamodb_wrapper.core.shapes import encode_member, projected_paths
from dynamodb_wrapper.engine.faces import AwaitingUse, BlockingUse, method
from dynamodb_wrapper.engine.flow import Flow
from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.operations import BatchGet
from dynamodb_wrapper.operations.readers import plain

Response: TypeAlias = dict[str, Any]


class GatewayRequests:
    """What both gateways offer. Requests and responses are boto3's (API Reference of the same names).

    Numbers come back as int or Decimal, binary as bytes, sets as sets. Conditions may be text or objects, of
    boto3 or of this library. Every error is this library's; a failed condition carries the item as it is.
    """

    client: DynamoDB | AsyncDynamoDB
    table_name: str

    @method
    def get_item(self, /, *, Key: Mapping[str, Any], **request: Any) -> Flow[Response]:
        """Read one item; the response has no "Item" where there is none."""
        return self._request("GetItem", {"Key": Key, **request})

    @method
    def query(self, /, **request: Any) -> Flow[Response]:
        """Read one page of the items under a partition key value."""
        return self._request("Query", request)

    @method
    def scan(self, /, **request: Any) -> Flow[Response]:
        """Read one page of the table or of an index."""
        return self._request("Scan", request)

    @method
    def put_item(self, /, *, Item: Mapping[str, Any], **request: Any) -> Flow[Response]:
        """Store an item, replacing one with the same key."""
        return self._request("PutItem", {"Item": Item, **request})

    @method
    def update_item(self, /, *, Key: Mapping[str, Any], **request: Any) -> Flow[Response]:
        """Change an item by an update expression; a missing item is made."""
        return self._request("UpdateItem", {"Key": Key, **request})

    @method
    def delete_item(self, /, *, Key: Mapping[str, Any], **request: Any) -> Flow[Response]:
        """Remove an item."""
        return self._request("DeleteItem", {"Key": Key, **request})

    @method
    def batch_get(
        self,
        Keys: Sequence[Mapping[str, Any]],
        *,
        ConsistentRead: bool = False,
        ProjectionExpression: str | None = None,
        ExpressionAttributeNames: Mapping[str, str] | None = None,
    ) -> Flow[Response]:
        """Read any number of items of this table.

        Returns:
            `{"Responses": {table_name: items}, "UnprocessedKeys": {}}`: the items found, in the order of
            `Keys`, each once for each time that its key stands there.
        """
        paths = (
            projected_paths(ProjectionExpression, ExpressionAttributeNames or {})
            if ProjectionExpression
            else ()
        )
        found = yield from BatchGet(
            table=self.table_name,
            keys=encode_member("Keys", Keys),
            reader=plain,
            projection=paths,
            consistent=ConsistentRead,
        ).flow(self.client.send)
        items = [item for item in found if item is not None]
        if paths:  # the operation reads the keys as well, to tell the items apart
            asked = {path.attribute for path in paths}
            items = [{name: item[name] for name in item if name in asked} for item in items]
        return {
            "Responses": {self.table_name: items},
            "UnprocessedKeys": {},
            "ResponseMetadata": {"HTTPStatusCode": 200},
        }

    @method
    def transact_write_items(
        self,
        /,
        *,
        TransactItems: Sequence[Mapping[str, Mapping[str, Any]]],
        **request: Any,
    ) -> Flow[Response]:
        """Apply up to 100 actions or none; an action without "TableName" is about this table."""
        return self._run("TransactWriteItems", {"TransactItems": self._about(TransactItems), **request})

    @method
    def transact_get_items(
        self,
        /,
        *,
        TransactItems: Sequence[Mapping[str, Mapping[str, Any]]],
        **request: Any,
    ) -> Flow[Response]:
        """Read up to 100 items as they were at one moment; the slot of a missing one is empty."""
        return self._run("TransactGetItems", {"TransactItems": self._about(TransactItems), **request})

    @method
    def execute_statement(
        self,
        /,
        *,
        Statement: str,
        Parameters: Sequence[Any] = (),
        **request: Any,
    ) -> Flow[Response]:
        """Run a PartiQL statement; values belong into `Parameters`, one for each "?"."""
        given = {"Parameters": Parameters} if Parameters else {}
        return self._run("ExecuteStatement", {"Statement": Statement, **given, **request})

    def _request(self, action: str, request: Mapping[str, Any]) -> Flow[Response]:
        return self._run(action, {"TableName": self.table_name, **request})

    def _run(self, action: str, request: Mapping[str, Any]) -> Flow[Response]:
        return RawCall(action, self.table_name, request).flow(self.client.send)

    def _about(self, actions: Sequence[Mapping[str, Mapping[str, Any]]]) -> list[dict[str, Any]]:
        return [
            {kind: {"TableName": self.table_name, **request} for kind, request in action.items()}
            for action in actions
        ]


class TableGateway(GatewayRequests, BlockingUse):
    """The blocking gateway to one table.

    Parameters:
        client: sends the requests.
        table_name: the table's full name.
    """

    client: DynamoDB

    def __init__(self, client: DynamoDB, table_name: str) -> None:
        self.client = client  # pyright: ignore - set once
        self.table_name, self.observers = table_name, client.observers
        self._drive = client.drive

    def batch_writer(self, overwrite_by_pkeys: Sequence[str] | None = None) -> BatchWriter:
        """Many puts and deletes in a `with` block; see `BatchWriter`."""
        return BatchWriter(self.client, self.table_name, overwrite_by_pkeys)

    def close(self) -> None:
        """End the use of the shared connections."""
        self.client.close()


class AsyncTableGateway(GatewayRequests, AwaitingUse):
    """The awaiting gateway to one table; parameters as for `TableGateway`."""

    client: AsyncDynamoDB

    def __init__(self, client: AsyncDynamoDB, table_name: str) -> None:
        self.client = client  # pyright: ignore - set once
        self.table_name, self.observers = table_name, client.observers
        self._drive = client.drive

    def batch_writer(self, overwrite_by_pkeys: Sequence[str] | None = None) -> AsyncBatchWriter:
        """Many puts and deletes in an `async with` block; see `AsyncBatchWriter`."""
        return AsyncBatchWriter(self.client, self.table_name, overwrite_by_pkeys)

    async def close(self) -> None:
        """End the use of the shared connections."""
        await self.client.close()


def create_table_gateway(config: DynamoDBConfig, table_name: str) -> TableGateway:
    """A gateway to a table.

    Parameters:
        config: the settings; gateways and APIs with equal ones share one connection pool.
        table_name: the table's name without `config.table_prefix`.
    """
    return TableGateway(DynamoDB(config), _full_name(config, table_name))


def create_async_table_gateway(config: DynamoDBConfig, table_name: str) -> AsyncTableGateway:
    """The awaiting twin of `create_table_gateway`."""
    return AsyncTableGateway(AsyncDynamoDB(config), _full_name(config, table_name))


def _full_name(config: DynamoDBConfig, table_name: object) -> str:
    if isinstance(table_name, str) and table_name:
        return config.get_table_name(table_name)
    mend = "give the table's name without the prefix, as text; for a model it is its Meta.table_name"
    raise ValidationError(f"table_name is {table_name!r}: {mend}", errors={"table_name": [mend]})
