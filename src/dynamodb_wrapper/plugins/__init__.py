"""Plugins: what a client can be given beside its settings. `engine.plugins` says what one is.

Knows which there are. Must not know models or domains.
"""

from dynamodb_wrapper.engine.events import (
    AttemptEnded,
    CallStarted,
    Event,
    Observer,
    OperationStarted,
    Retrying,
)
from dynamodb_wrapper.engine.flow import Call, Do, Flow, Layer, Reply, Send, Sleep, Tell, Together
from dynamodb_wrapper.engine.plugins import Plugin

__all__ = [
    "AttemptEnded",
    "Call",
    "CallStarted",
    "Do",
    "Event",
    "Flow",
    "Layer",
    "Observer",
    "OperationStarted",
    "Plugin",
    "Reply",
    "Retrying",
    "Send",
    "Sleep",
    "Tell",
    "Together",
]
