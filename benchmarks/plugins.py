"""What plugins cost: client CPU of one get with and without them, over a transport that answers at once.

    scripts/bench plugins             each plugin alone and the chain of five, on both faces
    scripts/bench plugins --strict    ends with status 1 if the chain costs more than its goal

Nothing is sent, so that only what the client itself does is counted. The variants take turns round by round,
and the least of all rounds counts, because a shared machine adds to some of them.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from math import inf
from time import process_time
from typing import Final, TypeAlias

from pydantic import BaseModel

from dynamodb_wrapper import AsyncDynamoDB, DynamoDB, DynamoDBConfig
from dynamodb_wrapper.engine.flow import Call
from dynamodb_wrapper.plugins import (
    CachePlugin,
    CircuitBreaker,
    LoggingPlugin,
    MetricsPlugin,
    Plugin,
    TelemetryPlugin,
)

GOAL_MICROSECONDS: Final = 15.0
REPLY = (
    b'{"ConsumedCapacity":{"TableName":"notes","CapacityUnits":1.0,"Table":{"CapacityUnits":1.0}},'
    b'"Item":{"key":{"S":"a"},"text":{"S":"hello"}}}'
)
CONFIG = DynamoDBConfig.for_local_development()


class Note(BaseModel):
    """What is read."""

    key: str
    text: str = ""

    class Meta:
        """Its table."""

        table_name = "notes"
        partition_key = "key"


class Idle(Plugin):
    """The least that a plugin with one layer and one observer can cost."""

    name, version = "idle", "1.0"

    def __init__(self) -> None:
        self.layers = [lambda send, call: send(call)]
        self.observers = [lambda event: None]


def chain() -> list[Plugin]:
    """Five plugins as one would use them; no SDK of OpenTelemetry is set up, and the log is at warning."""
    return [MetricsPlugin(), TelemetryPlugin(), LoggingPlugin(), CachePlugin(), CircuitBreaker()]


VARIANTS: Final[Mapping[str, Callable[[], list[Plugin]]]] = {
    "none": list,
    "idle": lambda: [Idle()],
    "metrics": lambda: [MetricsPlugin()],
    "telemetry": lambda: [TelemetryPlugin()],
    "logging": lambda: [LoggingPlugin()],
    "cache, passed": lambda: [CachePlugin()],
    "breaker": lambda: [CircuitBreaker()],
    "all five": chain,
}
RECORDED: Final = "telemetry, recorded"


def _recorded() -> list[Plugin]:
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.trace import TracerProvider

    return [TelemetryPlugin(TracerProvider(), MeterProvider())]


Round: TypeAlias = Callable[[], float]
Face: TypeAlias = Callable[[Sequence[Plugin], int], AbstractContextManager[Round]]


@contextmanager
def blocking(plugins: Sequence[Plugin], gets: int) -> Iterator[Round]:
    """A round on the blocking face: its CPU in seconds for each get."""

    def answer(call: Call, deadline: float) -> bytes:
        return REPLY

    def gotten() -> float:
        start = process_time()
        for _ in range(gets):
            db.get(Note, "a", consistent=True)
        return (process_time() - start) / gets

    with DynamoDB(CONFIG.replace(plugins=tuple(plugins)), transport=answer) as db:
        yield gotten


@contextmanager
def awaiting(plugins: Sequence[Plugin], gets: int) -> Iterator[Round]:
    """A round on the awaiting face."""

    async def answer(call: Call, deadline: float) -> bytes:
        return REPLY

    async def gotten() -> float:
        start = process_time()
        for _ in range(gets):
            await db.get(Note, "a", consistent=True)
        return (process_time() - start) / gets

    db = AsyncDynamoDB(CONFIG.replace(plugins=tuple(plugins)), transport=answer)
    with asyncio.Runner() as runner:
        yield lambda: runner.run(gotten())


def measured(
    variants: Mapping[str, Callable[[], list[Plugin]]], face: Face, rounds: int, gets: int
) -> dict[str, float]:
    """The least CPU of a get, in microseconds, for each variant."""
    least = dict.fromkeys(variants, inf)
    with ExitStack() as stack:
        running = {name: stack.enter_context(face(plugins(), gets)) for name, plugins in variants.items()}
        gc.disable()
        stack.callback(gc.enable)
        for _ in range(rounds):
            for name, round_ in running.items():
                least[name] = min(least[name], round_() * 1e6)
            gc.collect()
    return least


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 1 if the goal is missed and `--strict` is given."""
    parser = argparse.ArgumentParser(prog="scripts/bench plugins", description="What plugins cost.")
    parser.add_argument("--rounds", type=int, default=60, help="rounds of each variant (default: 60)")
    parser.add_argument("--gets", type=int, default=500, help="gets in each round (default: 500)")
    parser.add_argument("--strict", action="store_true", help="end with status 1 if the goal is missed")
    options = parser.parse_args(arguments)
    variants = {**VARIANTS, RECORDED: _recorded}
    missed = False
    print(
        f"CPU of one get without a network, in us; goal for the five together: {GOAL_MICROSECONDS:.0f} more"
    )
    for title, face in (("blocking", blocking), ("awaiting", awaiting)):
        least = measured(variants, face, options.rounds, options.gets)
        print(f"\n{title:22}{'get':>8}{'more':>8}")
        for name, cost in least.items():
            print(f"{name:22}{cost:8.1f}{cost - least['none']:8.1f}")
        missed = missed or least["all five"] - least["none"] > GOAL_MICROSECONDS
    print("\nthe goal is missed" if missed else "\nthe goal holds")
    return int(missed and options.strict)


if __name__ == "__main__":
    sys.exit(main())
