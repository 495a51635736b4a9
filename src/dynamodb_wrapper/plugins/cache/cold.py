"""The cache in Redis, which processes share.

Knows places, scripts and messages. Must not know calls. Nothing here raises: where Redis fails there is no
answer, and what could not be said to it is said before it is trusted again.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any, TypeAlias

from dynamodb_wrapper.engine.flow import Do, Flow
from dynamodb_wrapper.plugins.cache.link import Command, Link
from dynamodb_wrapper.plugins.cache.memory import Memory
from dynamodb_wrapper.plugins.cache.places import Begun, Kept, Miss, Place
from dynamodb_wrapper.plugins.cache.scripts import BEGIN, END, NAMES, READ, RENEW, STORE
from dynamodb_wrapper.plugins.cache.stats import Counters
from dynamodb_wrapper.plugins.cache.watch import Watch

Found: TypeAlias = Kept | Miss | None


class Cold:
    """The cache in Redis.

    Parameters:
        link: to the server.
        namespace: begins each key; processes with one namespace share what is kept.
        settle_seconds: as for `Memory`.
        hold_seconds: as for `Memory`; also how long a fill may take.
        memory: what is told of the writes of other processes.
    """

    def __init__(
        self,
        link: Link,
        namespace: str,
        *,
        settle_seconds: float,
        hold_seconds: float,
        memory: Memory,
        counters: Counters,
    ) -> None:
        self._link, self._namespace, self._memory = link, namespace, memory
        self._settle, self._hold = int(settle_seconds * 1000), int(hold_seconds * 1000)
        self._sender = secrets.token_hex(6).encode()
        self._channel = f"{namespace}:writes"
        self.watch = Watch(
            link,
            self._channel,
            heard=self._heard,
            lost=memory.clear,
            renewal=lambda run_id: [self._renewal(run_id, "")],
            failed=lambda: counters.add("store_failures"),
        )

    @property
    def is_trusted(self) -> bool:
        """Whether what is kept, here and in process, may be used now."""
        return bool(self.watch.run_id)

    def start(self) -> Flow[None]:
        """Wait for the first attempt to reach the server, where it has not ended."""
        tried = self.watch.started()
        if tried is not None:
            from asyncio import wrap_future

            yield Do(tried.result, (), lambda: wrap_future(tried))

    def read(self, asked: Sequence[tuple[Place, bytes]]) -> Flow[list[Found]]:
        """What is kept of each place and variant; None for each where Redis does not answer."""
        commands = [(READ, place, (variant, _token(), self._hold, self._settle)) for place, variant in asked]
        replies = yield from self._run(self.watch.run_id, commands)
        return [None] * len(asked) if replies is None else [_found(reply) for reply in replies]

    def store(self, fills: Sequence[tuple[Place, bytes, bytes, bytes, float]]) -> Flow[list[bool]]:
        """Keep values: of each the place, variant, lease, value and seconds; whether each was kept."""
        commands = [
            (STORE, place, (variant, _token(), lease, value, _milliseconds(seconds)))
            for place, variant, lease, value, seconds in fills
        ]
        replies = yield from self._run(self.watch.run_id, commands)
        return [False] * len(fills) if replies is None else [reply == 1 for reply in replies]

    def begin(self, places: Sequence[Place]) -> Flow[list[Begun]]:
        """Writes begin: nothing is kept of these places until they end, or until they are given up."""
        begun = [Begun(place, _token()) for place in places]
        commands = [
            (
                BEGIN,
                each.place,
                (each.token, self._hold, self._channel, self._message(b"p", each.place.digest)),
            )
            for each in begun
        ]
        replies = yield from self._run(self.watch.run_id, commands)
        return begun if replies is None else [Begun(each.place, each.token, True) for each in begun]

    def end(
        self, ended: Sequence[tuple[Begun, tuple[bytes, bytes, float] | None]], *, known: bool
    ) -> Flow[list[bool]]:
        """Writes ended: whether what each item is now was kept, where that is given.

        Parameters:
            ended: each with variant, value and seconds of what the item is now, or None.
            known: as for `Memory.end`.
        """
        commands = []
        for begun, kept in ended:
            message = self._message(b"p", begun.place.digest)
            given = () if kept is None else (kept[0], kept[1], _milliseconds(kept[2]))
            fixed = (begun.token, int(known), self._hold, self._settle, self._channel, message)
            commands.append((END, begun.place, (*fixed, *given)))
        replies = yield from self._run(self.watch.run_id, commands)
        if replies is None and commands:
            self.watch.missed()
        return [False] * len(ended) if replies is None else [reply == 1 for reply in replies]

    def renew(self, scope: str) -> Flow[None]:
        """Make void what is kept of a scope, or of all where it is empty."""
        run_id = self.watch.run_id
        if not run_id or (yield from self._send(run_id, [self._renewal(run_id, scope)])) is None:
            self.watch.missed()

    def close(self) -> Flow[None]:
        """Stop to listen, and close idle connections: of threads, and of this event loop."""
        from asyncio import to_thread

        yield Do(self.watch.close, (), lambda: to_thread(self.watch.close))
        yield Do(self._link.close, (), self._link.aclose)

    def _run(
        self, run_id: str, asked: Sequence[tuple[str, Place, tuple[str | bytes | int, ...]]]
    ) -> Flow[list[Any] | None]:
        if not run_id or not asked:
            return None
        commands: list[Command] = [
            ("EVALSHA", NAMES[script], 4, *self._keys(run_id, place), *arguments)
            for script, place, arguments in asked
        ]
        return (yield from self._send(run_id, commands))

    def _send(self, run_id: str, commands: Sequence[Command]) -> Flow[list[Any] | None]:
        try:
            replies: list[Any] = yield Do(self._link.run, (run_id, commands), self._link.arun)
        except Exception as error:
            self.watch.down(error)
            return None
        return replies

    def _keys(self, run_id: str, place: Place) -> tuple[str, str, str, str]:
        base, digest = f"{self._namespace}:{run_id}", place.digest.hex()
        scope, everything = self._generation(run_id, place.scope), self._generation(run_id, "")
        return f"{base}:place:{digest}", f"{base}:writes:{digest}", scope, everything

    def _generation(self, run_id: str, scope: str) -> str:
        return f"{self._namespace}:{run_id}:generation:{scope}"

    def _renewal(self, run_id: str, scope: str) -> Command:
        message = self._message(b"s", scope.encode())
        return ("EVALSHA", NAMES[RENEW], 1, self._generation(run_id, scope), _token(), self._channel, message)

    def _message(self, kind: bytes, what: bytes) -> bytes:
        return self._sender + kind + what

    def _heard(self, message: bytes) -> None:
        sender, kind, what = message[:12], message[12:13], message[13:]
        if sender == self._sender:
            return
        if kind == b"p":
            self._memory.drop(what)
        elif what:
            self._memory.drop_scope(what.decode())
        else:
            self._memory.clear()


def _found(reply: Any) -> Found:
    if reply[0] == 1:
        return Kept(reply[1], reply[2] / 1000)
    return Miss(reply[1], reply[2] == 1)


def _token() -> str:
    return secrets.token_hex(8)


def _milliseconds(seconds: float) -> int:
    return max(int(seconds * 1000), 1)
