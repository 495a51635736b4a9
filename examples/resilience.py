"""What resilience is for: lost answers that count once, and an endpoint that is left alone while it is down.

Run `python examples/resilience.py`: on the engine at DYNAMODB_ENDPOINT_URL, or on one that it starts.
"""

from __future__ import annotations

import os
import random
import time

from dynamodb_wrapper import DynamoDB, DynamoDBConfig, DynamoDBModel, add
from dynamodb_wrapper.exceptions import CircuitOpenError, ConnectionError, WriteOutcomeUnknownError
from dynamodb_wrapper.local import attach, start
from dynamodb_wrapper.plugins import (
    BreakerChanged,
    Call,
    CircuitBreaker,
    Flow,
    Plugin,
    Reply,
    RetryPlugin,
    RetryPolicy,
    SafeWrites,
    Send,
)


class Counter(DynamoDBModel):
    """How often something happened."""

    name: str
    count: int = 0

    class Meta:
        """By name."""

        table_name = "counters"
        partition_key = "name"


class BadNetwork(Plugin):
    """Loses that share of the answers, after the service has applied the requests."""

    name, version = "bad-network", "1.0"

    def __init__(self, share: float) -> None:
        self.share = share
        self._chance = random.Random(7)
        self.attempts = [self.lose]

    def lose(self, send: Send, call: Call) -> Flow[Reply]:
        """Give the reply, or lose it."""
        reply = yield from send(call)
        if self._chance.random() < self.share:
            error = ConnectionError(f"the answer to {call.action} was lost")
            error.outcome_unknown = True
            raise error
        return reply


def count_to_100(config: DynamoDBConfig, name: str, *plugins: Plugin) -> None:
    """Count over a network that loses a fifth of the answers, and compare with what is stored."""
    with DynamoDB(config) as near:
        near.put(Counter(name=name))
        acknowledged = unknown = 0
        with DynamoDB(config.replace(plugins=(*plugins, BadNetwork(0.2)))) as far:
            for _ in range(100):
                try:
                    far.update(Counter, name, [add(Counter.count, 1)])
                    acknowledged += 1
                except WriteOutcomeUnknownError:
                    unknown += 1
        stored = near.get(Counter, name, consistent=True)
    assert stored is not None
    print(f"{name}: {acknowledged} acknowledged, {unknown} unknown, {stored.count} stored")


def break_and_recover(config: DynamoDBConfig) -> None:
    """Ask again and again while every answer is lost, and once more when the network is well."""
    network, breaker, sent = BadNetwork(1.0), CircuitBreaker(open_seconds=0.5), 0

    def watch(event: object) -> None:
        if isinstance(event, BreakerChanged):
            print(f"the breaker is {event.state}")

    with DynamoDB(config.replace(retries=1), observers=[watch]).use(breaker).use(network) as db:
        while True:
            try:
                db.get(Counter, "safe")
            except ConnectionError:
                sent += 1
            except CircuitOpenError as error:
                print(f"{sent} requests failed, then none was sent")
                time.sleep(error.retry_after_seconds or 0)
                break
        network.share = 0.0
        print("it is back:", db.get(Counter, "safe") is not None)


def main() -> None:
    """Show both on an engine."""
    url = os.environ.get("DYNAMODB_ENDPOINT_URL")
    with attach(url) if url else start() as engine:
        config = DynamoDBConfig.for_local_development(endpoint_url=engine.endpoint_url, table_prefix="tough_")
        with DynamoDB(config) as db:
            db.delete_table(Counter)
            db.create_table(Counter)
        count_to_100(config, "plain")
        count_to_100(config, "safe", SafeWrites(), RetryPlugin(RetryPolicy(attempts=20)))
        break_and_recover(config)


if __name__ == "__main__":
    main()
