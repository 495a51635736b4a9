"""A package with entry points for plugins, as if pip had installed it, here or in a child process."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from dynamodb_wrapper.engine.plugins import ENTRY_POINTS, SWITCH, _loaded


class InstalledPackage:
    """The package `bringing` with a module of that name; `names` gives it entry points in place of others.

    Parameters:
        folder: an empty folder, which is put before all others that modules are looked for in.
        module: the source of the module.
        patch: takes everything back at the end of the test, but for what `forget` does.
    """

    def __init__(self, folder: Path, module: str, patch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self._patch = patch
        (folder / "bringing.py").write_text(module)
        self._about = folder / "bringing-1.0.dist-info"
        self._about.mkdir()
        (self._about / "METADATA").write_text("Metadata-Version: 2.1\nName: bringing\nVersion: 1.0\n")
        patch.syspath_prepend(folder)

    def names(self, *lines: str, switch: str = "") -> None:
        """Have these entry points, as `told = bringing:Told`, and this value of `DYNAMODB_PLUGINS`."""
        (self._about / "entry_points.txt").write_text("\n".join([f"[{ENTRY_POINTS}]", *lines, ""]))
        self._patch.setenv(SWITCH, switch)
        self.forget()

    def forget(self) -> None:
        """What a process knows of its plugins, it knows until its end."""
        sys.modules.pop("bringing", None)
        _loaded.cache_clear()

    def environment(self) -> dict[str, str]:
        """For a child process that has the package too."""
        return os.environ | {"PYTHONPATH": str(self.folder)}
