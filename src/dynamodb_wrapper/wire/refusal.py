"""How the codec says that a value cannot be stored, and where in the item that value is.

A leaf: knows only the error tree. `Refused` travels inside the codec and collects the path on its way out; at
a public door it becomes a `ValidationError`.
"""

from __future__ import annotations

from collections.abc import Iterable

from dynamodb_wrapper.exceptions import ValidationError


class Refused(Exception):
    """A value that DynamoDB cannot hold exactly; `steps` lead to it from the inside out."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text
        self.steps: list[str | int] = []

    def inside(self, step: str | int) -> Refused:
        """The same refusal, seen from one level further out."""
        self.steps.append(step)
        return self

    def path(self, start: str = "") -> str:
        """Where the value is, such as `config.limits[3].value`."""
        return path_text(reversed(self.steps), start)

    def error(self, start: str = "") -> ValidationError:
        """The error to raise at a public door."""
        path = self.path(start)
        return ValidationError(
            f"{path or 'the value'} cannot be stored: {self.text}", self, errors={path: [self.text]}
        )


def path_text(steps: Iterable[str | int], start: str = "") -> str:
    """Steps as a reader writes them: names joined by dots, positions in brackets."""
    path = start
    for step in steps:
        if isinstance(step, int):
            path += f"[{step}]"
        else:
            path += f".{step}" if path else step
    return path
