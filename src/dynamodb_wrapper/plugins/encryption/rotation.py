"""Rotating keys: every value of a table under the current master key, while readers and writers go on.

Knows scans, updates and ciphertexts. Must not know how a client waits. An item is changed only where its
ciphertexts still are those that were read, so that no concurrent write is ever lost; an item that is current
is not written, so that a rotation that was broken off may simply run again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from dynamodb_wrapper.engine.flow import Call, Do, Flow, Send, Together, Write
from dynamodb_wrapper.exceptions import ConditionalCheckFailedError, DecryptionError
from dynamodb_wrapper.plugins.encryption.cache import KeyCache
from dynamodb_wrapper.plugins.encryption.layer import AsStored
from dynamodb_wrapper.plugins.encryption.opening import Found, envelope_of, open_items
from dynamodb_wrapper.plugins.encryption.sealing import Sealing
from dynamodb_wrapper.plugins.encryption.tables import Protected
from dynamodb_wrapper.wire.plaintext import is_ciphertext
from dynamodb_wrapper.wire.values import WireItem, WireValue

MOST_TRIES: Final = 5
MOST_ERRORS: Final = 100


class RotationReport(Struct, frozen=True):
    """What a rotation has done so far.

    Parameters:
        scanned: items that were looked at.
        rotated: items whose values were encrypted anew.
        current: items that needed nothing.
        vanished: items that were removed meanwhile.
        contended: items that others wrote again and again meanwhile; run once more for them.
        failed: items with a value that cannot be decrypted; they stay as they are.
        errors: the errors of those, the first 100 of them.
        resume: where to go on after this page, to be given to the next rotation; None at the end.
    """

    scanned: int = 0
    rotated: int = 0
    current: int = 0
    vanished: int = 0
    contended: int = 0
    failed: int = 0
    errors: tuple[DecryptionError, ...] = ()
    resume: WireItem | None = None


class Rotation(Write[RotationReport], Struct, frozen=True, kw_only=True):
    """Encrypt every value of a table anew that is not under the current master key.

    Parameters:
        at: the table.
        cache: the data keys.
        accept_plaintext: whether values that are not encrypted are encrypted; else they are an error.
        everything: also values that are under the current master key.
        start: where to begin: the `resume` of an earlier report; the table's first item where it is None.
        page: how many items are read at a time.
        parallel: how many items are written side by side.
        progress: called with the report after every page.
    """

    at: Protected
    cache: KeyCache
    accept_plaintext: bool
    everything: bool = False
    start: WireItem | None = None
    page: int = 200
    parallel: int = 8
    progress: Callable[[RotationReport], object] | None = None

    def flow(self, send: Send) -> Flow[RotationReport]:
        """See `Operation.flow`."""
        report, start = RotationReport(), self.start
        current = (yield from self.cache.current(self.at.bound)).name
        while True:
            reply = msgspec.json.decode((yield from send(self._scan(start))))
            items: list[WireItem] = reply.get("Items", [])
            ended = yield Together([self._judged(send, item, current) for item in items], self.parallel)
            start = reply.get("LastEvaluatedKey")
            errors = tuple(end for end in ended if isinstance(end, DecryptionError))
            report = replace(
                report,
                scanned=report.scanned + len(items),
                failed=report.failed + len(errors),
                errors=(report.errors + errors)[:MOST_ERRORS],
                resume=start,
                **{name: getattr(report, name) + ended.count(name) for name in _ENDS},
            )
            if self.progress is not None:
                yield Do(self.progress, (report,))
            if start is None:
                return report

    def _scan(self, start: WireItem | None) -> Call:
        body: dict[str, Any] = {
            "TableName": AsStored(self.at.table),
            "ConsistentRead": True,
            "Limit": self.page,
            **self._projection(),
        }
        if start is not None:
            body["ExclusiveStartKey"] = start
        return Call("Scan", body, self.at.table)

    def _judged(self, send: Send, item: WireItem, current: str) -> Flow[str | DecryptionError]:
        try:
            return (yield from self._item(send, item, current))
        except DecryptionError as error:
            return error

    def _item(self, send: Send, item: WireItem | None, current: str) -> Flow[str]:
        """How one item ended: one of `_ENDS`."""
        key = {name: item[name] for name in self.at.key_fields} if item else {}
        for tries_left in reversed(range(MOST_TRIES)):
            if item is None:
                return "vanished"
            stale = [
                name for name in self.at.attributes if name in item and self._is_stale(item, name, current)
            ]
            if not stale:
                return "current"
            update = yield from self._update(item, key, stale)
            try:
                yield from send(update)
            except ConditionalCheckFailedError:
                if tries_left:
                    item = msgspec.json.decode((yield from send(self._get(key)))).get("Item")
            else:
                return "rotated"
        return "contended"

    def _is_stale(self, item: WireItem, name: str, current: str) -> bool:
        value = item[name]
        if not is_ciphertext(value):
            return True
        index = self.at.attributes[name]
        if self.everything or (index is not None and index not in item):
            return True
        return envelope_of(Found(self.at, item), name).header.key_name != current

    def _get(self, key: WireItem) -> Call:
        body = {"TableName": AsStored(self.at.table), "Key": key, "ConsistentRead": True}
        return Call("GetItem", body | self._projection(), self.at.table)

    def _projection(self) -> dict[str, Any]:
        wanted = [*self.at.key_fields, *self.at.attributes, *self.at.indexes]
        names = {f"#{number}": name for number, name in enumerate(wanted)}
        return {"ProjectionExpression": ", ".join(names), "ExpressionAttributeNames": names}

    def _update(self, item: WireItem, key: WireItem, stale: list[str]) -> Flow[Call]:
        plain = dict(item)
        yield from open_items([Found(self.at, plain)], self.cache, self.accept_plaintext)
        sealing = Sealing()
        sealed = sealing.item(self.at, key | {name: plain[name] for name in stale})
        yield from sealing.fill(self.cache)
        names: dict[str, str] = {}
        values: dict[str, WireValue] = {}
        sets, conditions = [], []
        for number, name in enumerate(name for name in sealed if name not in key):
            names[f"#{number}"], values[f":{number}"] = name, sealed[name]
            sets.append(f"#{number} = :{number}")
            if name in stale:
                values[f":was{number}"] = item[name]
                conditions.append(f"#{number} = :was{number}")
        body = {
            "TableName": AsStored(self.at.table),
            "Key": key,
            "UpdateExpression": f"SET {', '.join(sets)}",
            "ConditionExpression": " AND ".join(conditions),
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": values,
        }
        return Call("UpdateItem", body, self.at.table, repeatable=True)


_ENDS: Final = ("rotated", "current", "vanished", "contended")
