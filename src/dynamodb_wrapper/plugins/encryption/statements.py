"""PartiQL statements on tables with encrypted attributes: those that name one are refused.

Knows the few words of PartiQL that tell the kinds of statements apart. Must not know how values are
encrypted.
"""

from __future__ import annotations

import re
from typing import NoReturn

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.plugins.encryption.tables import Protected, Tables


def refuse_encrypted(tables: Tables, statement: str) -> None:
    """Refuse a statement that does with an encrypted attribute what cannot be done.

    Every table that its text names is looked at, whatever stands where in it.

    Raises:
        ValidationError: it names an encrypted attribute, or would store one as it is.
    """
    for at in tables:
        if not _names(statement, at.table):
            continue
        for name in (*at.attributes, *at.indexes):
            if _names(statement, name):
                _refuse(at, f"it names {name}, which is encrypted: use an update or a query of the client")
        if statement.lstrip()[:6].upper() == "INSERT":
            _refuse(at, "an INSERT would store its values as they are: put the item with the client")


def _names(statement: str, name: str) -> bool:
    return name in statement and re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", statement) is not None


def _refuse(at: Protected, why: str) -> NoReturn:
    raise ValidationError(
        f"a PartiQL statement on table {at.table}: {why}",
        context={"table": at.table},
        errors={"statement": [why]},
    )
