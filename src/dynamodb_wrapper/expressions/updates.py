"""Updates: what one write changes in an item.

Knows DynamoDB's update language (Developer Guide, "Update expressions"). Must not know models.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.expressions.params import Params, Wire
from dynamodb_wrapper.expressions.paths import Computed, Path


class Change:
    """The base of all changes; `clause` is the section of the update expression that it belongs to.

    `repeatable` says whether making the change twice ends as making it once.
    """

    __slots__ = ()
    clause = "SET"
    repeatable = True

    def encode(self, params: Params) -> str:
        """The change as text, its names and values put into `params`."""
        raise NotImplementedError


class Assign(Change, Struct, frozen=True):
    """Put a value at the path; beyond the end of a list it is appended."""

    path: Path
    value: object

    @property
    def repeatable(self) -> bool:  # type: ignore[override]
        """Beyond the end of a list a second time appends a second element; what is read may have changed."""
        return not self.path.is_element and not isinstance(self.value, (Path, Computed))

    def encode(self, params: Params) -> str:
        """See `Change.encode`."""
        return f"{self.path.encode(params)} = {self.path.value(params, self.value)}"


class AssignIfMissing(Change, Struct, frozen=True):
    """Put a value at the path unless something is there."""

    path: Path
    value: object

    @property
    def repeatable(self) -> bool:  # type: ignore[override]
        """As for `Assign`."""
        return not self.path.is_element

    def encode(self, params: Params) -> str:
        """See `Change.encode`."""
        path = self.path.encode(params)
        return f"{path} = if_not_exists({path}, {self.path.value(params, self.value)})"


class Increment(Change, Struct, frozen=True):
    """Add a number to the number at the path, which counts from `start` where nothing is there."""

    path: Path
    by: object
    start: object = 0
    repeatable = False

    def encode(self, params: Params) -> str:
        """See `Change.encode`."""
        path = self.path.encode(params)
        start, by = (
            params.plain_value(self.start, str(self.path)),
            params.plain_value(self.by, str(self.path)),
        )
        return f"{path} = if_not_exists({path}, {start}) + {by}"


class Concat(Change, Struct, frozen=True):
    """Append values to the list at the path, which is made where nothing is there.

    Parameters:
        values: the values, or their list in wire form.
        front: whether they are put before the list instead.
    """

    path: Path
    values: Sequence[object] | Wire
    front: bool = False
    repeatable = False

    def encode(self, params: Params) -> str:
        """See `Change.encode`."""
        path = self.path.encode(params)
        empty, values = (
            params.plain_value([], str(self.path)),
            params.plain_value(
                self.values if isinstance(self.values, Wire) else list(self.values), str(self.path)
            ),
        )
        stored = f"if_not_exists({path}, {empty})"
        first, second = (values, stored) if self.front else (stored, values)
        return f"{path} = list_append({first}, {second})"


class Remove(Change, Struct, frozen=True):
    """Take away what is at the path."""

    path: Path
    clause = "REMOVE"

    @property
    def repeatable(self) -> bool:  # type: ignore[override]
        """Removing a list's element twice removes its neighbour too."""
        return not self.path.is_element

    def encode(self, params: Params) -> str:
        """See `Change.encode`."""
        return self.path.encode(params)


class Add(Change, Struct, frozen=True):
    """Add a number to a number attribute, or elements to a set attribute."""

    path: Path
    value: object
    clause = "ADD"

    @property
    def repeatable(self) -> bool:  # type: ignore[override]
        """Elements join a set once; a number is added each time."""
        if isinstance(self.value, Wire):
            return "N" not in self.value.value
        return isinstance(self.value, set | frozenset)

    def encode(self, params: Params) -> str:
        """See `Change.encode`."""
        return f"{self.path.encode(params)} {params.plain_value(self.value, str(self.path))}"


class DeleteFromSet(Change, Struct, frozen=True):
    """Take elements out of a set attribute."""

    path: Path
    elements: frozenset[object] | Wire
    clause = "DELETE"

    def encode(self, params: Params) -> str:
        """See `Change.encode`."""
        return f"{self.path.encode(params)} {params.plain_value(self.elements, str(self.path))}"


class Update(Struct, frozen=True):
    """All the changes of one write."""

    changes: tuple[Change, ...]

    @property
    def repeatable(self) -> bool:
        """Whether making these changes twice ends as making them once."""
        return all(change.repeatable for change in self.changes)

    def encode(self, params: Params) -> str:
        """The update expression, its names and values put into `params`.

        Raises:
            ValidationError: there is nothing to change.
        """
        if not self.changes:
            raise ValidationError("an update with nothing to change: name at least one field")
        clauses: dict[str, list[str]] = {}
        for change in self.changes:
            clauses.setdefault(change.clause, []).append(change.encode(params))
        return " ".join(f"{clause} {', '.join(parts)}" for clause, parts in clauses.items())
