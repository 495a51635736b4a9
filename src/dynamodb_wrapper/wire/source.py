"""Runs source that the codec has written.

Knows Python only. Whatever is not a number or a quoted name in that source is given to it as a variable.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any


def name_in(names: dict[str, Any], thing: Any) -> str:
    """A variable that stands for `thing` in source compiled with these names."""
    name = f"given_{len(names)}"
    names[name] = thing
    return name


def compile_function(parameter: str, lines: Sequence[str], names: dict[str, Any]) -> Callable[[Any], Any]:
    """The function of one parameter that has these lines as its body and sees these names."""
    body = "".join(f"    {line}\n" for line in lines)
    made: dict[str, Any] = {}
    exec(f"def function({parameter}):\n{body}", names, made)  # the lines hold quoted names only, see above
    function: Callable[[Any], Any] = made["function"]
    return function
