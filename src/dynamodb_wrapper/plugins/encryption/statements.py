"""PartiQL statements on tables with encrypted attributes: those that name one are refused.

Knows the few words of PartiQL that tell the kinds of statements apart. Must not know how values are
encrypted.
"""

from __future__ import annotations

import re
from typing import NoReturn

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.plugins.encryption.tables import Protected, Tables


def table_of(tables: Tables, statement: str) -> Protected | None:
    """The table with encrypted attributes that a statement concerns.

    Raises:
        ValidationError: what the statement does with an encrypted attribute cannot be told, or not be done.
    """
    at = next((table for table in tables if _names(statement, table.table)), None)
    if at is None:
        return None
    for name in (*at.attributes, *at.indexes):
        if _names(statement, name):
            _refuse(at, f"it names {name}, which is encrypted: use an update or a query of the client")
    if statement.lstrip()[:6].upper() == "INSERT":
        _refuse(at, "an INSERT would store its values as they are: put the item with the client")
    return at


def _names(statement: str, name: str) -> bool:
    return name in statement and re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", statement) is not None


def _refuse(at: Protected, why: str) -> NoReturn:
    raise ValidationError(
        f"a PartiQL statement on table {at.table}: {why}",
        context={"table": at.table},
        errors={"statement": [why]},
    )
