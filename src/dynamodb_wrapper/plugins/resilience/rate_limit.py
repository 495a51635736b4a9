"""The rate limit: a table is read and written at no more than so many capacity units a second.

Knows what the service says that a call consumed (API Reference, ConsumedCapacity). Must not know what it
means.

What a call will cost is guessed from what those of its kind have cost, taken off at once, and put right when
the reply says what it was; those that wait then wait for longer. So calls that go together cannot spend the
same units twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import Lock
from time import monotonic
from typing import Any, Final

from msgspec import MsgspecError, Struct

from dynamodb_wrapper.engine.bodies import ITEM_ACTIONS
from dynamodb_wrapper.engine.flow import Call, Flow, Reply, Send, Sleep, Tell
from dynamodb_wrapper.engine.partitions import is_write
from dynamodb_wrapper.engine.plugins import Plugin
from dynamodb_wrapper.exceptions import (
    DynamoDBWrapperError,
    NotSentError,
    ProvisionedThroughputExceededError,
    RateLimitedError,
)
from dynamodb_wrapper.plugins.capacity import Contents, asking
from dynamodb_wrapper.plugins.options import instance, positive, refuse_wrong, unset_or
from dynamodb_wrapper.plugins.resilience.events import Delayed

BURST_SECONDS: Final = 0.5
LARGEST_PAGE_UNITS: Final = 128.0  # 1 MB read eventually consistent, at 8 KB a unit
SHORTEST_WAIT_SECONDS: Final = 0.001
NEWEST_SHARE: Final = 0.2
SLOWED_TO: Final = 0.7
SLOWEST_SHARE: Final = 0.05
RECOVERY_PER_SECOND: Final = 0.05
_TABLES: Final = "give limits by the table's full name, such as {'orders': UnitLimit(read=100)}"


class UnitLimit(Struct, frozen=True, kw_only=True):
    """Capacity units a second for one table and its indexes together; None for as many as come.

    Parameters:
        read: read units.
        write: write units.
    """

    read: float | None = None
    write: float | None = None


class RateLimit(Plugin):
    """Holds each table's consumption below a limit, by letting calls wait.

    A call whose turn would come after its deadline fails at once with `RateLimitedError`. What was not used
    is kept for half a second.

    Parameters:
        read_units: read units a second for each table that is not in `tables`; None for no limit.
        write_units: the same for write units.
        tables: limits by the table's full name.
        adaptive: whether a throttle makes a table slower, down to 5 % of its limit; it recovers by 5 % of the
            limit a second.
        begins_full: whether a table begins with the units of half a second; False where many clients that
            come one after another share a limit, or each would begin with some that nobody saved.
        clock: gives the time in seconds.
    """

    name, version = "rate-limit", "1.0"

    def __init__(
        self,
        *,
        read_units: float | None = None,
        write_units: float | None = None,
        tables: Mapping[str, UnitLimit] | None = None,
        adaptive: bool = False,
        begins_full: bool = True,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        given = {} if tables is None else tables
        refuse_wrong(
            type(self).__name__,
            read_units=unset_or(positive, read_units),
            write_units=unset_or(positive, write_units),
            tables=instance(given, Mapping, _TABLES),
        )
        for table, limit in given.items():
            refuse_wrong(type(self).__name__, {f"tables.{table}": instance(limit, UnitLimit, _TABLES)})
            sides = {"read": limit.read, "write": limit.write}
            refuse_wrong(
                type(self).__name__,
                {f"tables.{table}.{side}": unset_or(positive, units) for side, units in sides.items()},
            )
        self._usual = UnitLimit(read=read_units, write=write_units)
        self._tables = dict(given)
        self._adaptive, self._clock = adaptive, clock
        self._saved_seconds = BURST_SECONDS if begins_full else 0.0
        self._accounts: dict[tuple[str, str, bool], _Account | None] = {}
        self._lock = Lock()
        self.attempts = [self._hold]

    def owed_seconds(self) -> float:
        """How long it takes until the units that were used beyond the limits have come; 0 where none were."""
        accounts = [account for account in self._accounts.values() if account is not None]
        return max((account.owed_seconds() for account in accounts), default=0.0)

    def _hold(self, send: Send, call: Call) -> Flow[Reply]:
        account = self._account(call, call.table) if call.action in ITEM_ACTIONS else None
        if account is None:
            return (yield from send(call))
        ticket = account.take(call)
        refund, charged, asked = ticket.units, ticket.units, asking(call)
        try:
            while (wait := account.turn(ticket, call)) > 0:
                yield Tell(Delayed(call.table, self.name, wait))
                yield Sleep(wait)
            refund = 0.0
            reply = yield from send(asked)
        except DynamoDBWrapperError as error:
            throttled = isinstance(error, ProvisionedThroughputExceededError)
            if throttled and self._adaptive:
                account.slow_down()
            if throttled or isinstance(error, NotSentError):
                refund = charged
            raise
        finally:
            if refund:
                account.put_right(-refund)
        try:
            contents = Contents(asked, reply)
            self._count(account, call, charged, contents)
        except MsgspecError:  # what is wrong with a reply is for those to say who asked
            return reply
        return reply if asked is call else contents.unasked()

    def _count(self, account: _Account, call: Call, charged: float, contents: Contents) -> None:
        for table, units in contents.totals():
            if table == call.table:
                account.learn(call, units)
                account.put_right(units - charged)
            elif (other := self._account(call, table)) is not None:
                other.put_right(units)

    def _account(self, call: Call, table: str) -> _Account | None:
        place = (call.region, table, is_write(call))
        if place not in self._accounts:
            limit = self._tables.get(table, self._usual)
            rate = limit.write if place[2] else limit.read
            with self._lock:
                made = None if rate is None else _Account(rate, rate * self._saved_seconds, self._clock)
                self._accounts.setdefault(place, made)
        return self._accounts[place]


class _Ticket(Struct):
    """A place in the line.

    Parameters:
        units: what was taken for the call.
        owed: the units that have to come before it may go.
        corrected: how much was put right before that was known.
    """

    units: float
    owed: float
    corrected: float


class _Account:
    """The units of one side of one table: they come steadily, and may be owed."""

    def __init__(self, limit: float, units: float, clock: Callable[[], float]) -> None:
        self._limit = self._rate = limit
        self._units, self._clock = units, clock
        self._at = self._slowed = clock()
        self._corrected = 0.0
        self._guesses: dict[str, float] = {}
        self._lock = Lock()

    def take(self, call: Call) -> _Ticket:
        """Take what a call will probably cost."""
        units = self._guess(call)
        with self._lock:
            self._refill()
            ticket = _Ticket(units, -self._units, self._corrected)
            self._units -= units
        return ticket

    def turn(self, ticket: _Ticket, call: Call) -> float:
        """How many seconds a call has to wait; asked again after each wait, for its turn may have moved.

        Raises:
            RateLimitedError: it would come after the call's deadline.
        """
        with self._lock:
            now = self._refill()
            owed = ticket.owed + self._corrected - ticket.corrected
            ticket.owed, ticket.corrected = 0.0, self._corrected
            wait = owed / self._rate
            if wait < SHORTEST_WAIT_SECONDS:
                return 0.0
            if now + wait >= call.deadline:
                raise RateLimitedError(
                    f"{call.action} on table {call.table!r} was not sent: at {self._rate:g} units a second "
                    f"its turn would come in {wait:.1f} s, after its deadline",
                    context={"table": call.table, "operation": call.action},
                    retry_after_seconds=wait,
                )
        return wait

    def owed_seconds(self) -> float:
        """See `RateLimit.owed_seconds`."""
        with self._lock:
            self._refill()
            return max(0.0, -self._units / self._rate)

    def put_right(self, units: float) -> None:
        """Take more units, or fewer than none."""
        with self._lock:
            self._units -= units
            self._corrected += units

    def learn(self, call: Call, units: float) -> None:
        """Take note of what a call has cost."""
        cost = units / _entries(call)
        known = self._guesses.get(call.action, cost)
        self._guesses[call.action] = known + NEWEST_SHARE * (cost - known)

    def slow_down(self) -> None:
        """Let units come more slowly; once for all the calls that were throttled together."""
        with self._lock:
            now = self._refill()
            self._units = min(self._units, 0.0)
            if now - self._slowed >= 1.0 or self._rate == self._limit:
                self._rate = max(self._rate * SLOWED_TO, self._limit * SLOWEST_SHARE)
                self._slowed = now

    def _guess(self, call: Call) -> float:
        known = self._guesses.get(call.action)
        if known is None:
            known = min(LARGEST_PAGE_UNITS, self._limit) if call.action in ("Query", "Scan") else 1.0
        return known * _entries(call)

    def _refill(self) -> float:
        now = self._clock()
        passed, self._at = now - self._at, now
        self._units = min(self._units + passed * self._rate, self._rate * BURST_SECONDS)
        self._rate = min(self._limit, self._rate + passed * self._limit * RECOVERY_PER_SECOND)
        return now


def _entries(call: Call) -> int:
    """How many items a call is about, as far as it says."""
    body: Mapping[str, Any] = call.body
    if (actions := body.get("TransactItems")) is not None:
        return len(actions)
    of_table = body.get("RequestItems", {}).get(call.table)
    return 1 if not of_table else len(of_table["Keys"] if isinstance(of_table, dict) else of_table)
