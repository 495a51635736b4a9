"""The two faces of the library: `DynamoDB` blocks, `AsyncDynamoDB` awaits; both run the same operations.

Each is loaded when it is first used, so that nobody pays for the other's way of waiting (asyncio alone costs
as much as the rest of a client).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from dynamodb_wrapper.client.awaiting import AsyncDynamoDB
    from dynamodb_wrapper.client.blocking import DynamoDB
    from dynamodb_wrapper.client.requests import Requests

__all__ = ["AsyncDynamoDB", "DynamoDB", "Requests"]

_HOMES: Final = {"AsyncDynamoDB": "awaiting", "DynamoDB": "blocking", "Requests": "requests"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    return value
