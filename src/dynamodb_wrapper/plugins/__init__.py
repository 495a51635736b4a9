"""Plugins: what a client can be given beside its settings. `engine.plugins` says what one is.

Knows which there are. Must not know models or domains. Those that come with the library are loaded when they
are first used, because each may need a package of its own; a new one is added three times: to the imports for
type checkers, to `__all__`, and to `_HOMES` for the interpreter.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from dynamodb_wrapper.engine.bodies import Item
from dynamodb_wrapper.engine.events import (
    AttemptEnded,
    CallStarted,
    Event,
    Measure,
    Observer,
    OperationStarted,
    Retrying,
)
from dynamodb_wrapper.engine.flow import Call, Do, Flow, Layer, Race, Reply, Send, Sleep, Tell, Together
from dynamodb_wrapper.engine.plugins import Plugin
from dynamodb_wrapper.engine.transforms import Transform

if TYPE_CHECKING:
    from dynamodb_wrapper.plugins.cache import CachePlugin, CacheRead
    from dynamodb_wrapper.plugins.encryption import AwsKms, Encryption, Keyring
    from dynamodb_wrapper.plugins.logs import (
        LoggingPlugin,
        RedactSecrets,
        Sink,
        StandardSink,
        StructlogSink,
        redact_secrets,
    )
    from dynamodb_wrapper.plugins.metrics import MetricsPlugin
    from dynamodb_wrapper.plugins.resilience.breaker import CircuitBreaker
    from dynamodb_wrapper.plugins.resilience.bulkhead import Bulkhead
    from dynamodb_wrapper.plugins.resilience.events import BreakerChanged, Delayed, Hedged
    from dynamodb_wrapper.plugins.resilience.hedging import HedgedReads
    from dynamodb_wrapper.plugins.resilience.rate_limit import RateLimit, UnitLimit
    from dynamodb_wrapper.plugins.resilience.retry import RetryPlugin, RetryPolicy
    from dynamodb_wrapper.plugins.resilience.safe_writes import SafeWrites
    from dynamodb_wrapper.plugins.telemetry import TelemetryPlugin

__all__ = [
    "AttemptEnded",
    "AwsKms",
    "BreakerChanged",
    "Bulkhead",
    "CachePlugin",
    "CacheRead",
    "Call",
    "CallStarted",
    "CircuitBreaker",
    "Delayed",
    "Do",
    "Encryption",
    "Event",
    "Flow",
    "Hedged",
    "HedgedReads",
    "Item",
    "Keyring",
    "Layer",
    "LoggingPlugin",
    "Measure",
    "MetricsPlugin",
    "Observer",
    "OperationStarted",
    "Plugin",
    "Race",
    "RateLimit",
    "RedactSecrets",
    "Reply",
    "RetryPlugin",
    "RetryPolicy",
    "Retrying",
    "SafeWrites",
    "Send",
    "Sink",
    "Sleep",
    "StandardSink",
    "StructlogSink",
    "TelemetryPlugin",
    "Tell",
    "Together",
    "Transform",
    "UnitLimit",
    "redact_secrets",
]

_HOMES: Final = {
    "AwsKms": "encryption",
    "CachePlugin": "cache",
    "CacheRead": "cache",
    "Encryption": "encryption",
    "Keyring": "encryption",
    "LoggingPlugin": "logs",
    "RedactSecrets": "logs",
    "Sink": "logs",
    "StandardSink": "logs",
    "StructlogSink": "logs",
    "redact_secrets": "logs",
    "MetricsPlugin": "metrics",
    "TelemetryPlugin": "telemetry",
    "BreakerChanged": "resilience.events",
    "Delayed": "resilience.events",
    "Hedged": "resilience.events",
    "Bulkhead": "resilience.bulkhead",
    "CircuitBreaker": "resilience.breaker",
    "HedgedReads": "resilience.hedging",
    "RateLimit": "resilience.rate_limit",
    "UnitLimit": "resilience.rate_limit",
    "RetryPlugin": "resilience.retry",
    "RetryPolicy": "resilience.retry",
    "SafeWrites": "resilience.safe_writes",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    return value
