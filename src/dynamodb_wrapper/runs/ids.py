"""Identifiers of runs that sort by the time at which they were made."""

from __future__ import annotations

import os
import time
from uuid import UUID


def uuid7() -> str:
    """A UUID of version 7: milliseconds since 1970 and 74 random bits (RFC 9562, section 5.7)."""
    made = bytearray(int(time.time() * 1000).to_bytes(6, "big") + os.urandom(10))
    made[6] = made[6] & 0x0F | 0x70
    made[8] = made[8] & 0x3F | 0x80
    return str(UUID(bytes=bytes(made)))
