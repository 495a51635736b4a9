"""A process with a cache of its own, driven by lines: one JSON list comes in, one JSON value goes out.

    ["get", id]  ["add", id]  ["put", id, stock]  ["stats"]  ["calls"]  ["crash", id, stock]  ["clear"]

The arguments are the URL of the engine, the prefix of the tables, the URL of Redis, and "sync" or "async".
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from typing import Any

import msgspec
from tests.support.gates import Recorder

from dynamodb_wrapper import AsyncDynamoDB, DynamoDB, DynamoDBConfig, DynamoDBModel
from dynamodb_wrapper.engine.flow import Call, Flow, Reply, Send
from dynamodb_wrapper.expressions import Increment, Path
from dynamodb_wrapper.plugins import CachePlugin, Plugin


class Stock(DynamoDBModel):
    """What the processes count together."""

    id: str
    count: int = 0

    class Meta:
        """By id."""

        table_name = "stock"
        partition_key = "id"


class Crash(Plugin):
    """Ends the process without a word when a write has been applied and nobody was told."""

    name, version = "crash", "1"

    def __init__(self) -> None:
        self.is_armed = False
        self.attempts = [self._end]

    def _end(self, send: Send, call: Call) -> Flow[Reply]:
        reply = yield from send(call)
        if self.is_armed and call.action == "PutItem":
            os._exit(9)
        return reply


async def answered(db: Any, command: list[Any], crash: Crash) -> Any:
    """What a command gives; on the blocking face it has run when it returns."""

    async def settled(result: Any) -> Any:
        return await result if asyncio.iscoroutine(result) else result

    what, *arguments = command
    if what == "get":
        found = await settled(db.get(Stock, arguments[0]))
        return None if found is None else found.count
    if what == "add":
        changes = [Increment(Path(("count",)), 1)]
        return (await settled(db.update(Stock, arguments[0], changes))).count
    crash.is_armed = what == "crash"
    return await settled(db.put(Stock(id=arguments[0], count=arguments[1])))


def main(endpoint: str, prefix: str, redis: str, face: str) -> None:
    """Answer commands until the input ends."""
    logging.basicConfig(level=logging.WARNING)
    cache, recorder, crash = CachePlugin(redis=redis, namespace=prefix), Recorder(), Crash()
    config = DynamoDBConfig(
        endpoint_url=endpoint,
        aws_access_key_id="local",
        aws_secret_access_key="local",
        table_prefix=prefix,
        plugins=(cache, recorder, crash),
    )
    loop = asyncio.new_event_loop()
    db: Any = DynamoDB(config) if face == "sync" else AsyncDynamoDB(config)
    for line in sys.stdin:
        command = json.loads(line)
        result: Any
        if command[0] == "stats":
            result = msgspec.to_builtins(cache.stats)
        elif command[0] == "calls":
            result = recorder.take()
        else:
            result = loop.run_until_complete(answered(db, command, crash))
        print(json.dumps(result), flush=True)
    loop.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
