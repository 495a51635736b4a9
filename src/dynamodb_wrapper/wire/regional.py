"""One transport for each Region, as one transport of either face.

Knows which transport a call is for. Must not know how one sends, nor which Region is chosen.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from dynamodb_wrapper.engine.flow import Call


class Transport(Protocol):
    """What carries a call; blocking, or giving an awaitable."""

    def __call__(self, call: Call, deadline: float) -> Any:
        """The reply's body."""
        ...

    def close(self) -> None:
        """Close its connections."""
        ...


T = TypeVar("T", bound=Transport)


class Regional(Generic[T]):
    """Carries each call by the transport of its Region.

    Parameters:
        transports: one for each Region by name; that of the home Region by the empty name.
    """

    def __init__(self, transports: Mapping[str, T]) -> None:
        self._transports = transports

    def __call__(self, call: Call, deadline: float) -> Any:
        """What the transport of the call's Region gives."""
        return self._transports[call.region](call, deadline)

    def close(self) -> None:
        """Close the connections to all Regions."""
        for transport in self._transports.values():
            transport.close()
