"""The figures of tables: those of one table as they are reported, and the sums over many.

Knows which figures a table has. Must not know how they are stored or read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.handlers.given import listed
from dynamodb_wrapper.models import DataFormat, Dto, TableType, View
from dynamodb_wrapper.models.base import GivenInstant
from dynamodb_wrapper.validation import invalid

Amount = Annotated[int, Field(ge=0)]
FIGURES = ("record_count", "size_bytes", "last_updated_data")


class TableStatistics(Dto):
    """New figures of one table; those left out, or None, stay as they are.

    Parameters:
        record_count: how many records it holds.
        size_bytes: how many bytes it takes.
        last_updated_data: when its data was written last.
    """

    table_id: Annotated[str, Field(min_length=1)]
    record_count: Amount | None = None
    size_bytes: Amount | None = None
    last_updated_data: GivenInstant | None = None

    @property
    def figures(self) -> dict[str, Any]:
        """The given figures by attribute; a ValidationError where there is none."""
        given = {name: value for name in FIGURES if (value := getattr(self, name)) is not None}
        if not given:
            mend = f"give at least one of {', '.join(FIGURES)}"
            raise invalid(f"the statistics of table {self.table_id!r}", {name: [mend] for name in FIGURES})
        return given


def figures_by_table(statistics: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """The figures of many tables, all checked; of two entries for one table the later wins, figure by figure.

    Raises:
        ValidationError: `errors` has everything that is wrong, keyed by position and field: `3.record_count`.
    """
    by_table: dict[str, dict[str, Any]] = {}
    errors: dict[str, list[str]] = {}
    for position, entry in enumerate(listed("statistics", statistics, "mappings, one for each table")):
        try:
            valid = TableStatistics.model_validate(entry)
            by_table.setdefault(valid.table_id, {}).update(valid.figures)
        except ValidationError as error:
            errors |= {f"{position}.{name}".rstrip("."): texts for name, texts in error.errors.items()}
    if errors:
        raise invalid("the list of statistics", errors)
    return by_table


class TableFigures(View):
    """What a summary reads of each table."""

    table_type: TableType | None = None
    data_format: DataFormat | None = None
    is_active: bool | None = None
    record_count: int | None = None
    size_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class TablesSummary:
    """Sums over tables.

    Parameters:
        total_tables: how many tables there are.
        active_tables: how many of them are active.
        by_type: how many there are of each type that occurs.
        by_format: how many there are in each data format that occurs.
        record_count: the records of all tables; one that has reported none counts as 0.
        size_bytes: the bytes of all tables; one that has reported none counts as 0.
    """

    total_tables: int
    active_tables: int
    by_type: Mapping[TableType, int]
    by_format: Mapping[DataFormat, int]
    record_count: int
    size_bytes: int

    @classmethod
    def of(cls, tables: Iterable[TableFigures]) -> TablesSummary:
        """Add up the figures of tables."""
        known = list(tables)
        return cls(
            total_tables=len(known),
            active_tables=sum(table.is_active is True for table in known),
            by_type=dict(Counter(table.table_type for table in known if table.table_type is not None)),
            by_format=dict(Counter(table.data_format for table in known if table.data_format is not None)),
            record_count=sum(table.record_count or 0 for table in known),
            size_bytes=sum(table.size_bytes or 0 for table in known),
        )
