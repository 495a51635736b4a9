"""Decrypting replies: which of the items in replies and errors have encrypted attributes.

Knows tables. Must not know keys or ciphertexts, nor where replies have their items (`engine.bodies` does).
"""

from __future__ import annotations

from collections.abc import Iterable

from dynamodb_wrapper.engine.bodies import Held
from dynamodb_wrapper.plugins.encryption.opening import Found
from dynamodb_wrapper.plugins.encryption.requests import Sealed
from dynamodb_wrapper.plugins.encryption.tables import Tables


def concerned(tables: Tables, held: Iterable[Held]) -> list[Found]:
    """The items that have encrypted attributes, of those that a reply or an error carries."""
    found = ((tables.find(each.table), each) for each in held if each.item)
    return [Found(at, each.item, each.key) for at, each in found if at is not None]


def without_added(sealed: Sealed, found: Iterable[Found]) -> None:
    """Take out the key attributes that were read only to check the ciphertexts with."""
    for each in found:
        for name in sealed.added.get(each.at.table, ()):
            each.item.pop(name, None)
