from __future__ import annotations

from typing import Any

from dynamodb_wrapper.wire.source import compile_function, name_in


def test_a_function_sees_what_it_was_given() -> None:
    names: dict[str, Any] = {"base": 1}
    first, second = name_in(names, 10), name_in(names, 100)
    function = compile_function("x", [f"y = {first} + {second}", "return base + y + x"], names)
    assert function(1000) == 1111
