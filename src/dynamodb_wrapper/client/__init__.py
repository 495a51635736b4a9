"""The two faces of the library: `DynamoDB` blocks, `AsyncDynamoDB` awaits; both run the same operations.

Each is loaded when it is first used, so that nobody pays for the other's way of waiting (asyncio alone costs
as much as the rest of a client).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dynamodb_wrapper.client.awaiting import AsyncDynamoDB
    from dynamodb_wrapper.client.blocking import DynamoDB
    from dynamodb_wrapper.client.requests import Requests
else:
    from dynamodb_wrapper.lazy import loader

    __getattr__ = loader(
        __name__, {"awaiting": "AsyncDynamoDB", "blocking": "DynamoDB", "requests": "Requests"}
    )

__all__ = ["AsyncDynamoDB", "DynamoDB", "Requests"]
