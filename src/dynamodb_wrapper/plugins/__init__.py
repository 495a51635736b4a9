"""Plugins: what a client can be given beside its settings. `engine.plugins` says what one is.

Knows which there are. Must not know models or domains. Those that come with the library are loaded when they
are first used, because each may need a package of its own; a new one is added three times: to the imports for
type checkers, to the loader for the interpreter, and to `__all__`; a test compares the three.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

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
else:
    from dynamodb_wrapper.lazy import loader

    __getattr__ = loader(
        __name__,
        {
            "cache": "CachePlugin CacheRead",
            "encryption": "AwsKms Encryption Keyring",
            "logs": "LoggingPlugin RedactSecrets Sink StandardSink StructlogSink redact_secrets",
            "metrics": "MetricsPlugin",
            "resilience.breaker": "CircuitBreaker",
            "resilience.bulkhead": "Bulkhead",
            "resilience.events": "BreakerChanged Delayed Hedged",
            "resilience.hedging": "HedgedReads",
            "resilience.rate_limit": "RateLimit UnitLimit",
            "resilience.retry": "RetryPlugin RetryPolicy",
            "resilience.safe_writes": "SafeWrites",
            "telemetry": "TelemetryPlugin",
        },
    )

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
