"""Pages of queries and scans through the query cache, which lives by time alone.

Knows their requests and replies (API Reference). Must not know items: a write changes nothing here, as in DAX
(Developer Guide, "DAX query cache behavior").
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

from dynamodb_wrapper.engine.flow import Call, Flow, Reply, Send, Tell
from dynamodb_wrapper.plugins.cache.items import no_cost
from dynamodb_wrapper.plugins.cache.places import CAPACITY, query_place, table_name
from dynamodb_wrapper.plugins.cache.stats import CacheRead
from dynamodb_wrapper.plugins.cache.tiers import Fetched, Tiers

_object = msgspec.json.Decoder(dict[str, Raw])


class Queries:
    """Reads pages.

    Parameters:
        seconds: how long a page is kept.
        schema_version: as for `Items`.
    """

    def __init__(self, tiers: Tiers, seconds: float, schema_version: str) -> None:
        self._tiers, self._seconds, self._variant = tiers, seconds, schema_version.encode()

    def page(self, send: Send, call: Call) -> Flow[Reply]:
        """Query and Scan."""
        body = call.body
        if body.get("ConsistentRead") or "TableName" not in body:
            return (yield from send(call))
        table = table_name(body["TableName"])
        priced = body.get(CAPACITY, "NONE") != "NONE"

        def fetch(consistent: bool) -> Flow[Fetched]:
            reply = yield from send(call)
            return reply, _without_cost(reply) if priced else reply

        place = query_place(call.action, table, body)
        answer = yield from self._tiers.read(place, self._variant, self._seconds, call.deadline, fetch)
        if not answer.shared:
            self._tiers.counters.add("query_misses" if answer.reply is not None else "query_hits")
        yield Tell(CacheRead(table, answer.reply is None, "query"))
        if answer.reply is not None:
            return answer.reply
        value = answer.value or b"{}"
        return value[:-1] + b',"ConsumedCapacity":' + no_cost(table) + b"}" if priced else value


def _without_cost(reply: Reply) -> Reply:
    members = _object.decode(reply)
    members.pop("ConsumedCapacity", None)
    return msgspec.json.encode(members)
