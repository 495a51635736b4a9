"""Document paths: an attribute, or a place inside one.

Knows the syntax of paths (DynamoDB Developer Guide, "Referring to item attributes"). Must not know models.
"""

from __future__ import annotations

import re

from msgspec import Struct

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.expressions.params import Params

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
        if isinstance(value, Path):
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
