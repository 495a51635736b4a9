"""How far a micro-batch of a stream goes: from the offsets where the last one ended to those of this one.

Knows offsets and shards. Must not know Spark. An offset has, for each shard, the sequence number of the last
record that was taken and whether the shard has been read to its end. The records of an item are in one shard
after another, so that a shard waits until its parent was read to its end by batches before this one.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import Any, Final, TypeAlias

from dynamodb_wrapper.spark.connector.shards import (
    EMPTY_PAGES,
    MOST_EMPTY_PAGES,
    MOST_RECORDS,
    Stream,
    sequence_of,
)

WITHOUT_END: Final = 2**63
Offset: TypeAlias = dict[str, dict[str, Any]]
"""By shard: `{"after": sequence number or "", "done": whether it ended}`."""


def walk(
    stream: Stream,
    start: Mapping[str, Any],
    most: int = WITHOUT_END,
    until: float = inf,
    *,
    at_once: bool = False,
) -> Offset:
    """Where a batch ends that begins at an offset.

    Parameters:
        start: the offset.
        most: how many records the batch may have.
        until: no record is taken that was made later, in seconds since 1970.
        at_once: whether shards are read in the same batch as their parents: their order is lost then, but no
            batch before this one has to be known.
    """
    shards = stream.shards()
    end: Offset = {shard: dict(at) for shard, at in start.items() if shard in shards}
    for name, shard in shards.items():
        parent = str(shard.parent)
        if parent not in shards or start.get(parent, {}).get("done") or at_once:
            end.setdefault(name, {"after": "", "done": False})
    for name, at in end.items():
        at["done"] = at["done"] or shards[name].ends_at(at["after"])
    unread = [(name, at) for name, at in end.items() if not at["done"]]
    open_ = [_Reader(stream, name, at, closed=shards[name].last is not None) for name, at in unread]
    left = most
    while open_ and left > 0:
        each = max(1, min(left // len(open_), MOST_RECORDS))
        for reader in list(open_):
            if left <= 0:
                break
            left -= reader.read(min(each, left), until)
            if reader.over:
                open_.remove(reader)
    return end


class _Reader:
    """Moves one shard's place forward."""

    def __init__(self, stream: Stream, shard: str, at: dict[str, Any], *, closed: bool) -> None:
        self._stream, self._shard, self._at, self._closed = stream, shard, at, closed
        self._iterator: str | None = stream.iterator(shard, at["after"])
        self._empty = 0
        self.over = False

    def read(self, most: int, until: float) -> int:
        """Take up to so many records; returns how many."""
        assert self._iterator is not None
        records, self._iterator = self._stream.page(self._shard, self._at["after"], self._iterator, most)
        taken = [record for record in records if record["dynamodb"]["ApproximateCreationDateTime"] <= until]
        if taken:
            self._at["after"] = sequence_of(taken[-1])
        self._empty = 0 if records else self._empty + 1
        self._at["done"] = self._iterator is None and len(taken) == len(records)
        patience = MOST_EMPTY_PAGES if self._closed else EMPTY_PAGES  # a closed shard tells its end itself
        self.over = self._iterator is None or self._empty >= patience or len(taken) < len(records)
        if self._iterator is not None and len(taken) == len(records):
            self._stream.keep(self._shard, self._at["after"], self._iterator)
        return len(taken)
