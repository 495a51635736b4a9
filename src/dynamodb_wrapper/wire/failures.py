"""What is said of a connection that failed: whether to try again, and whether the call may have been applied.

Knows how to word it and how to mend it. Must not know sockets or the service's error codes.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any

from dynamodb_wrapper import exceptions as exc

if TYPE_CHECKING:
    from dynamodb_wrapper.engine.flow import Call
    from dynamodb_wrapper.wire.endpoint import Endpoint


def not_connected(call: Call, endpoint: Endpoint, cause: OSError, deadline: float) -> exc.ConnectionError:
    """No connection could be made before the deadline; nothing was sent."""
    if isinstance(cause, TimeoutError) and monotonic() >= deadline:
        return too_late(call, endpoint, "a connection")
    if endpoint.scheme == "https":
        import ssl

        if isinstance(cause, ssl.SSLError):
            return untrusted(call, endpoint, cause)
    return unreachable(call, endpoint, cause)


def unreachable(call: Call, endpoint: Endpoint, cause: BaseException) -> exc.ConnectionError:
    """No connection could be made; nothing was sent."""
    return exc.ConnectionError(
        f"Cannot reach {endpoint.url} ({_reason(cause)}): is the endpoint right and the engine running?",
        cause,
        context(call),
    )


def untrusted(call: Call, endpoint: Endpoint, cause: BaseException) -> exc.ConnectionError:
    """TLS could not be agreed upon; nothing was sent."""
    error = exc.ConnectionError(
        f"No trusted TLS connection to {endpoint.url} ({_reason(cause)}): is it the right endpoint, and does "
        "it speak TLS? A certificate authority of your own goes into the file that AWS_CA_BUNDLE names",
        cause,
        context(call),
    )
    error.retryable = False
    return error


def broken_off(
    call: Call, endpoint: Endpoint, cause: BaseException | None, *, sent: bool
) -> exc.ConnectionError:
    """The connection was lost; the outcome is unknown if the whole request had been sent."""
    state = "before the reply was complete" if sent else "before the request was sent"
    why = f" ({_reason(cause)})" if cause is not None else ""
    error = exc.ConnectionError(
        f"{endpoint.url} broke the connection off {state} to {asked(call)}{why}", cause, context(call)
    )
    error.outcome_unknown = sent
    return error


def too_late(
    call: Call, endpoint: Endpoint, waited_for: str, *, sent: bool = False
) -> exc.DeadlineExceededError:
    """The deadline passed; the outcome is unknown if the request had been sent."""
    error = exc.DeadlineExceededError(
        f"The time for {asked(call)} ran out while waiting for {waited_for} at {endpoint.url}: "
        "raise timeout_seconds, or ask for less at once",
        context=context(call),
    )
    error.outcome_unknown = sent
    return error


def pool_exhausted(call: Call, endpoint: Endpoint, size: int) -> exc.DeadlineExceededError:
    """No connection of the pool became free before the deadline."""
    return exc.DeadlineExceededError(
        f"The time for {asked(call)} ran out while waiting for a connection to {endpoint.url}: all {size} "
        "are in use; raise max_pool_connections, or have fewer calls in flight",
        context={**context(call), "max_pool_connections": size},
    )


def not_dynamodb(
    call: Call, endpoint: Endpoint, status: int, content_type: str, body: bytes
) -> exc.ConnectionError:
    """What answered is not DynamoDB's JSON; that may pass, where the status is 5xx or 200."""
    error = exc.ConnectionError(
        f"{endpoint.url} answered {asked(call)} with HTTP {status}, "
        f"content type {content_type or 'not given'!r}, beginning {body[:60]!r}, which is not "
        "DynamoDB's JSON: is this a DynamoDB endpoint?",
        context={**context(call), "status": status},
    )
    error.retryable = error.outcome_unknown = status == 200 or status >= 500
    return error


def not_http(call: Call, endpoint: Endpoint, cause: BaseException) -> exc.ConnectionError:
    """What answered does not speak HTTP/1.1."""
    error = exc.ConnectionError(
        f"{endpoint.url} did not answer {asked(call)} in HTTP/1.1 ({cause}): is this a DynamoDB endpoint, "
        f"and is {endpoint.scheme!r} right?",
        cause,
        context(call),
    )
    error.outcome_unknown = True
    return error


def corrupted(call: Call, endpoint: Endpoint, what: str) -> exc.ConnectionError:
    """The reply was altered on its way; the call itself may well have been applied."""
    error = exc.ConnectionError(
        f"The reply of {endpoint.url} to {asked(call)} was altered on its way: {what}",
        context=context(call),
    )
    error.outcome_unknown = True
    return error


def unusable(call: Call, what: str) -> exc.ConnectionError:
    """The transport cannot be used like this; nothing was sent, and sending again will not help."""
    error = exc.ConnectionError(what, context=context(call))
    error.retryable = False
    return error


def asked(call: Call) -> str:
    """A call in the words of a message."""
    return f"{call.action} on table {call.table!r}" if call.table else call.action


def context(call: Call) -> dict[str, Any]:
    """The facts of a call for an error's context."""
    return {"table": call.table, "operation": call.action}


def _reason(cause: BaseException) -> str:
    if isinstance(cause, TimeoutError):
        return "no answer in time"
    text = getattr(cause, "verify_message", None) or getattr(cause, "strerror", None) or str(cause)
    return str(text)[:1].lower() + str(text)[1:] if text else type(cause).__name__
