"""The layer: encrypts what a request carries, sends it, decrypts what comes back, errors included.

Knows requests, replies and the order of things. Must not know ciphertexts.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec.structs import replace

from dynamodb_wrapper.engine.bodies import items_of_error, items_of_reply
from dynamodb_wrapper.engine.flow import Call, Flow, Reply, Send
from dynamodb_wrapper.exceptions import ConditionalCheckFailedError, TransactionCanceledError
from dynamodb_wrapper.plugins.encryption.cache import KeyCache
from dynamodb_wrapper.plugins.encryption.opening import open_items
from dynamodb_wrapper.plugins.encryption.replies import concerned, without_added
from dynamodb_wrapper.plugins.encryption.requests import Sealed, sealed
from dynamodb_wrapper.plugins.encryption.sealing import Sealing
from dynamodb_wrapper.plugins.encryption.tables import Tables


class AsStored(str):
    """The name of a table in a request that is to see the items as they are stored, ciphertexts and all."""

    __slots__ = ()


class EncryptionLayer:
    """A layer that encrypts and decrypts the marked attributes of some tables.

    Parameters:
        tables: the tables with encrypted attributes.
        cache: the data keys.
        accept_plaintext: whether a value that is not encrypted is read as it is.
    """

    def __init__(self, tables: Tables, cache: KeyCache, accept_plaintext: bool) -> None:
        self._tables = tables
        self._cache = cache
        self._accept_plaintext = accept_plaintext

    def __call__(self, send: Send, call: Call) -> Flow[Reply]:
        """See `engine.flow.Layer`."""
        if type(call.body.get("TableName")) is AsStored:
            body = {**call.body, "TableName": str(call.body["TableName"])}
            return (yield from send(replace(call, body=body)))
        work = Sealing()
        request = sealed(self._tables, call.action, call.body, work)
        if request is None:
            return (yield from send(call))
        yield from work.fill(self._cache)
        try:
            reply = yield from send(replace(call, body=request.body))
        except (ConditionalCheckFailedError, TransactionCanceledError) as error:
            found = concerned(self._tables, items_of_error(request.body, error))
            yield from open_items(found, self._cache, self._accept_plaintext)
            raise
        return (yield from self._opened(request, reply))

    def _opened(self, request: Sealed, reply: Reply) -> Flow[Reply]:
        decoded: dict[str, Any] = msgspec.json.decode(reply)
        found = concerned(self._tables, items_of_reply(request.body, decoded))
        if not found:
            return reply
        yield from open_items(found, self._cache, self._accept_plaintext)
        without_added(request, found)
        return msgspec.json.encode(decoded)
