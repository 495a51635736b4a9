"""What has been counted so far: sums, states and distributions by label.

Knows numbers and how many series there may be. Must not know what they count, nor who reads them. Whoever
counts holds `Figures.lock`, once for all that one event changes.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from threading import Lock
from typing import Any, Final, Generic, Literal, Self, TypeAlias, TypeVar

from msgspec import Struct

OTHER: Final = "other"

Kind: TypeAlias = Literal["sum", "state", "distribution"]


class Sum:
    """A number that grows, or a state that comes and goes."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0.0

    def copy(self) -> Self:
        """The same number, which stays as it is."""
        copied = type(self)()
        copied.value = self.value
        return copied


class Distribution:
    """How many values were at most each bound, and their sum."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def add(self, value: float) -> None:
        """Count one more value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value

    def copy(self) -> Self:
        """The same numbers, which stay as they are."""
        copied = type(self)(self.bounds)
        copied.counts, copied.sum = [*self.counts], self.sum
        return copied

    def cumulated(self) -> Iterator[tuple[float, int]]:
        """Each bound with how many values were at most that; infinity is the last one."""
        total = 0
        for bound, count in zip((*self.bounds, float("inf")), self.counts, strict=True):
            total += count
            yield bound, total


T = TypeVar("T", Sum, Distribution)


class Series(dict[tuple[str, ...], T], Generic[T]):
    """One figure for each combination of label values, in a bounded number.

    Parameters:
        make: a new figure.
        most: how many combinations are told apart; what comes after is counted under `OTHER` everywhere.
    """

    def __init__(self, make: Callable[[], T], most: int) -> None:
        self._make: Callable[[], T] = make
        self._most = most

    def __missing__(self, labels: tuple[str, ...]) -> T:
        if len(self) >= self._most:
            labels = (OTHER,) * len(labels)
        if labels not in self:
            self[labels] = self._make()
        return self[labels]


class Family(Struct):
    """Figures of one meaning.

    Parameters:
        name: in snake case, without a prefix.
        text: what it counts, in a sentence.
        labels: the names of the labels, in the order of each series' values.
        series: the figures.
    """

    name: str
    text: str
    kind: Kind
    labels: tuple[str, ...]
    series: Mapping[tuple[str, ...], Sum | Distribution]

    def copy(self) -> Family:
        """The same figures, which stay as they are."""
        figures = {labels: figure.copy() for labels, figure in self.series.items()}
        return Family(self.name, self.text, self.kind, self.labels, figures)

    def rows(self) -> Iterator[dict[str, Any]]:
        """Each figure with its labels, as plain values."""
        for values, figure in self.series.items():
            row: dict[str, Any] = dict(zip(self.labels, values, strict=True))
            if isinstance(figure, Sum):
                yield row | {"value": figure.value}
            else:
                buckets = dict(figure.cumulated())
                yield row | {"count": sum(figure.counts), "sum": figure.sum, "buckets": buckets}


class Figures:
    """All families of one plugin.

    Parameters:
        bounds: of every distribution.
        most: how many series each family may have.
    """

    def __init__(self, bounds: Sequence[float], most: int) -> None:
        self.lock = Lock()
        self._families: dict[str, Family] = {}
        self._measured: dict[str, tuple[tuple[str, ...], Series[Sum]]] = {}
        self._bounds = tuple(bounds)
        self._most = most

    def sums(self, name: str, text: str, *labels: str, kind: Kind = "sum") -> Series[Sum]:
        """A new family of sums, or of states."""
        series = Series(Sum, self._most)
        self._families[name] = Family(name, text, kind, labels, series)
        return series

    def distributions(self, name: str, text: str, *labels: str) -> Series[Distribution]:
        """A new family of distributions."""
        series = Series(lambda: Distribution(self._bounds), self._most)
        self._families[name] = Family(name, text, "distribution", labels, series)
        return series

    def measured(self, name: str, labels: Mapping[str, str], kind: Kind) -> Sum:
        """The figure of a measure that nobody announced; its family is made when it is first seen."""
        if (known := self._measured.get(name)) is None:
            free = name if name not in self._families else f"{name}_told"
            series = self.sums(free, f"{name}, as plugins tell.", *labels, kind=kind)
            known = self._measured[name] = tuple(labels), series
        names, series = known
        return series[tuple(labels.get(label, "") for label in names)]

    def copied(self) -> list[Family]:
        """Every family as it is now; for those who read."""
        with self.lock:
            return [family.copy() for family in self._families.values()]
