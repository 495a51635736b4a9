"""Document paths: an attribute, or a place inside one.

Knows the syntax of paths (DynamoDB Developer Guide, "Referring to item attributes"), and that a path may have
been named on a class. Must not know models.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import astuple

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.expressions.params import Params, Wire

_STEP = re.compile(r"(?:^|\.)([^.\[\]]+)|\[([0-9]+)\]")


class Path(Struct, frozen=True):
    """A place in an item: `("config", "limits", 0)` is `config.limits[0]`."""

    steps: tuple[str | int, ...]

    @classmethod
    def of(cls, text: str | Path) -> Path:
        """Read a path as DynamoDB writes it, such as `config.limits[0]`.

        Raises:
            ValidationError: the text is no path.
        """
        if isinstance(text, Path):
            return text
        steps: list[str | int] = []
        end = 0
        for match in _STEP.finditer(text):
            if match.start() != end:
                break
            name, index = match.groups()
            steps.append(name if name is not None else int(index))
            end = match.end()
        if end != len(text) or not steps or not isinstance(steps[0], str) or text.startswith("."):
            raise ValidationError(f"{text!r} is no attribute path: write it like config.limits[0].value")
        return cls(tuple(steps))

    @property
    def attribute(self) -> str:
        """The top-level attribute."""
        return str(self.steps[0])

    @property
    def is_whole(self) -> bool:
        """Whether the path is an attribute and not a place inside one."""
        return len(self.steps) == 1

    def within(self, *steps: str | int) -> Path:
        """The place that these steps lead to from here."""
        return Path(self.steps + steps)

    def encode(self, params: Params) -> str:
        """The path with a placeholder for every name."""
        text = params.name(self.attribute)
        for step in self.steps[1:]:
            text += f"[{step}]" if isinstance(step, int) else f".{params.name(step)}"
        return text

    @property
    def is_element(self) -> bool:
        """Whether the path ends at an element of a list."""
        return isinstance(self.steps[-1], int)

    def value(self, params: Params, value: object) -> str:
        """The placeholder of a value to compare with or to put at this path; another path stands as it is."""
        if isinstance(value, (Path, Computed)):
            return value.encode(params)
        if self.is_whole:
            return params.value(self.attribute, value)
        return params.plain_value(value, str(self))

    def part(self, params: Params, value: object) -> str:
        """As `value`, for a part of what the path holds, which is encoded by its own type."""
        return value.encode(params) if isinstance(value, Path) else params.plain_value(value, str(self))

    def __str__(self) -> str:
        text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.steps)
        return text.removeprefix(".")


class FieldPath(Path, frozen=True, eq=False):
    """A path that was named on a model's class, such as `Order.total`; equal to the same path of text.

    Parameters:
        model: the class.
    """

    model: type

    def within(self, *steps: str | int) -> FieldPath:
        """See `Path.within`."""
        return FieldPath(self.steps + steps, self.model)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Path) and other.steps == self.steps

    def __hash__(self) -> int:
        return hash(Path(self.steps))

    def __reduce__(self) -> tuple[type[Path], tuple[tuple[str | int, ...]]]:
        """A class may not be found where a condition is sent to, such as the process of a scan."""
        return Path, (self.steps,)


class Operand(Struct, frozen=True):
    """The number at a path in a sum; `default` counts where nothing is there."""

    path: Path
    default: object = None

    def encode(self, params: Params) -> str:
        """The operand as text."""
        path = self.path.encode(params)
        if self.default is None:
            return path
        return f"if_not_exists({path}, {params.plain_value(self.default, str(self.path))})"


class Computed(Struct, frozen=True):
    """A sum or a difference that the service computes while it updates an item."""

    left: Operand | Wire
    sign: Literal["+", "-"]
    right: Operand | Wire

    def encode(self, params: Params) -> str:
        """The sum as text."""
        left, right = (
            side.encode(params) if isinstance(side, Operand) else params.wire_value(side.value)
            for side in (self.left, self.right)
        )
        return f"{left} {self.sign} {right}"


def field_paths(given: object) -> Iterator[FieldPath]:
    """The paths in a condition or a change that were named on a model's class, in their order."""
    waiting: list[Any] = [given]
    while waiting:
        part = waiting.pop()
        if isinstance(part, FieldPath):
            yield part
        elif isinstance(part, Struct):
            waiting += reversed(astuple(part))
        elif isinstance(part, tuple):
            waiting += reversed(part)
