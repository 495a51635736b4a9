"""What is wrong with the entries of a table's configuration, all of it told at once.

Knows how that is worded. Must not know what the entries mean.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.models import TableConfig
from dynamodb_wrapper.validation import did_you_mean


class Wrong:
    """Gathers what is wrong with one field of a table.

    Parameters:
        table: the table.
        field: the field, such as "validation_rules".
        meant: what is often written in place of a known name, such as `{"sql": "expression"}`.
    """

    def __init__(self, table: TableConfig, field: str, meant: Mapping[str, str] | None = None) -> None:
        self._table, self._field, self._meant = table, field, meant or {}
        self._errors: dict[str, list[str]] = {}

    def note(self, path: str, text: str) -> None:
        """Something is wrong at that place of the field, such as "ranges.id"."""
        self._errors.setdefault(f"{self._field}.{path}" if path else self._field, []).append(text)

    def unknown(self, given: Mapping[str, Any], known: Collection[str], path: str = "") -> None:
        """Note what is given by a name that is not known."""
        for name in given:
            if name not in known:
                meant = self._meant.get(str(name).casefold())
                near = f"; did you mean {meant!r}?" if meant in known else did_you_mean(str(name), known, 0.5)
                self.note(f"{path}{name}", f"there is no such entry, only {', '.join(known)}{near}")

    def mapping(self, given: object, path: str, form: str) -> Mapping[str, Any]:
        """What is given, if it has names, or is None; none at all otherwise, which is noted."""
        if isinstance(given, Mapping):
            return given
        if given is not None:
            self.note(path, f"is {given!r}: give {form}")
        return {}

    def refuse(self) -> None:
        """Raise what was noted, if anything was.

        Raises:
            ValidationError: names the table, and each place with its mend.
        """
        if self._errors:
            told = "; ".join(f"{place}: {text}" for place, texts in self._errors.items() for text in texts)
            raise ValidationError(
                f"the configuration of table {self._table.table_id} is wrong: {told}", errors=self._errors
            )
