"""Names of a package that are loaded when they are first used, so that nobody pays for what he does not use.

Knows modules and names. Must not know what they are for.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def loader(package: str, modules: Mapping[str, str]) -> Callable[[str], Any]:
    """The `__getattr__` of a package that gathers names of its modules.

    Type checkers do not see it: the same names stand in imports for them.

    Parameters:
        package: the package's full name.
        modules: the names that each module gives, with spaces between them.
    """
    homes = {name: module for module, names in modules.items() for name in names.split()}

    def load(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(f"{package}.{homes[name]}"), name)
        setattr(sys.modules[package], name, value)
        return value

    return load
