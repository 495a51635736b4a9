"""The circuit breaker: an endpoint that fails again and again is left alone for a while.

Knows which failures say that the service is ill. Must not know retries, nor what a call asks for.

Ill is who answers 5xx, breaks off, answers garbage, or does not answer in the call's time. A refusal (of a
condition, a validation, a permission, a throttle, a conflict) is an answer of a healthy service, and counts
as a success. Polly counts in the same way: consecutive exceptions of the handled types only (Polly wiki,
"Circuit Breaker").
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Final

from dynamodb_wrapper.engine.flow import Call, Flow, Reply, Send, Tell
from dynamodb_wrapper.engine.plugins import Plugin
from dynamodb_wrapper.exceptions import (
    CircuitOpenError,
    ConnectionError,
    DynamoDBWrapperError,
    NotSentError,
    ProvisionedThroughputExceededError,
    RetryableError,
)
from dynamodb_wrapper.plugins.options import positive, refuse_wrong, whole
from dynamodb_wrapper.plugins.resilience.events import BreakerChanged, BreakerState

if TYPE_CHECKING:
    from dynamodb_wrapper.config import DynamoDBConfig

SOON_SECONDS: Final = 0.1  # when to ask again while a probe is on its way
_BUSY: Final = ("TransactionInProgressException", "ReplicatedWriteConflictException")


class CircuitBreaker(Plugin):
    """Stops sending to an endpoint that failed several times in a row, for each of its tables apart.

    While it is open, calls fail at once with `CircuitOpenError`, which says when to try again. Then single
    calls probe: the first that is answered closes it, one that fails opens it anew.

    Parameters:
        failures: how many attempts in a row must fail; retries count as attempts.
        open_seconds: how long nothing is sent.
        clock: gives the time in seconds.
    """

    name, version = "circuit-breaker", "1.0"

    def __init__(
        self, failures: int = 5, open_seconds: float = 10.0, clock: Callable[[], float] = monotonic
    ) -> None:
        refuse_wrong(type(self).__name__, failures=whole(failures), open_seconds=positive(open_seconds))
        self._failures, self._open_seconds, self._clock = failures, open_seconds, clock
        self._circuits: dict[tuple[str, str], _Circuit] = {}
        self._lock = Lock()

    def bound(self, config: DynamoDBConfig) -> Plugin:
        """See `Plugin.bound`."""
        plugin = Plugin()
        plugin.attempts = [partial(self._guard, config.endpoint_url or config.region_name)]
        return plugin

    def state(self, endpoint: str, table: str) -> BreakerState:
        """The state for an endpoint (its URL, or the Region where none was given) and a table's full name."""
        circuit = self._circuits.get((endpoint, table))
        return "closed" if circuit is None else circuit.state

    def _guard(self, endpoint: str, send: Send, call: Call) -> Flow[Reply]:
        endpoint = call.region or endpoint
        circuit = self._circuits.get((endpoint, call.table)) or self._circuit(endpoint, call.table)
        probes = circuit.state != "closed" and circuit.admit(call)
        try:
            if probes:
                yield Tell(circuit.changed())
            reply = yield from send(call)
        except DynamoDBWrapperError as error:
            answered = None if isinstance(error, NotSentError) else not is_ill(error)
            if circuit.ended(answered, probes):
                yield Tell(circuit.changed())
            raise
        except BaseException:  # the call was given up and tells nothing
            circuit.ended(None, probes)
            raise
        if circuit.ended(True, probes):
            yield Tell(circuit.changed())
        return reply

    def _circuit(self, endpoint: str, table: str) -> _Circuit:
        with self._lock:
            made = _Circuit(endpoint, table, self._failures, self._open_seconds, self._clock)
            return self._circuits.setdefault((endpoint, table), made)


def is_ill(error: DynamoDBWrapperError) -> bool:
    """Whether a failure says that the service, or the way to it, does not work."""
    if isinstance(error, ConnectionError):
        return error.retryable or error.outcome_unknown
    if isinstance(error, ProvisionedThroughputExceededError | NotSentError):
        return False
    return isinstance(error, RetryableError) and error.context.get("service_code") not in _BUSY


class _Circuit:
    """The state for one endpoint and table."""

    def __init__(
        self, endpoint: str, table: str, most: int, open_seconds: float, clock: Callable[[], float]
    ) -> None:
        self.state: BreakerState = "closed"
        self._endpoint, self._table = endpoint, table
        self._most, self._open_seconds, self._clock = most, open_seconds, clock
        self._failures = 0
        self._until = 0.0
        self._probing = False
        self._lock = Lock()

    def changed(self) -> BreakerChanged:
        """What observers are told."""
        return BreakerChanged(self._endpoint, self._table, self.state, self._failures)

    def admit(self, call: Call) -> bool:
        """Let a call pass; true if it probes.

        Raises:
            CircuitOpenError: it may not.
        """
        with self._lock:
            if self.state == "closed":
                return False
            wait = self._until - self._clock()
            if wait > 0 or self._probing:
                raise self._open(call, max(wait, SOON_SECONDS))
            self.state, self._probing = "half-open", True
            return True

    def ended(self, answered: bool | None, probed: bool) -> bool:
        """Take note of what became of a call; true if the state is another one now.

        Parameters:
            answered: whether the service was found well; None where nothing can be told.
            probed: whether the call was a probe. The others count only while it is closed.
        """
        if answered and not probed and not self._failures:
            return False
        with self._lock:
            if probed:
                self._probing = False
            elif self.state != "closed":
                return False
            if answered is None:
                return False
            if answered:
                self._failures = 0
                self.state = "closed"
                return probed
            self._failures += 1
            if not probed and self._failures < self._most:
                return False
            self.state, self._until = "open", self._clock() + self._open_seconds
            return True

    def _open(self, call: Call, seconds: float) -> CircuitOpenError:
        return CircuitOpenError(
            f"{call.action} on table {call.table!r} was not sent: {self._endpoint} failed {self._failures} "
            f"times in a row. Try again in {seconds:.1f} s",
            context={"table": call.table, "operation": call.action},
            retry_after_seconds=seconds,
        )
