from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dynamodb_wrapper.client import DynamoDB
from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.engine.plugins import Plugin, checked_plugin
from dynamodb_wrapper.exceptions import ValidationError

MODULE = """
from dynamodb_wrapper.plugins import Plugin


class Told(Plugin):
    name, version = "told", "1.0"


class Other(Plugin):
    name, version = "other", "2.0"


broken = 5
"""
ASK = """
from dynamodb_wrapper import DynamoDB
from dynamodb_wrapper.config import DynamoDBConfig

first, second = (DynamoDB(DynamoDBConfig.for_local_development()) for _ in range(2))
print([plugin.name for plugin in first.plugins], all(a is b for a, b in zip(first.plugins, second.plugins)))
"""


class Named(Plugin):
    name, version = "named", "1.0"


class Unnamed(Plugin):
    version = "1.0"


class Versionless(Plugin):
    name = "versionless"


@pytest.mark.parametrize("given", [Unnamed(), Versionless(), object(), None])
def test_what_is_no_plugin_with_a_name_and_a_version_is_refused(given: object) -> None:
    with pytest.raises(ValidationError, match="has a name and a version"):
        checked_plugin(given, [])


def test_a_class_is_refused_for_an_object_of_it() -> None:
    with pytest.raises(ValidationError, match=r"Named is a class: give an object of it, such as Named\("):
        checked_plugin(Named, [])


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("layers", 5),
        ("layers", [5]),
        ("attempts", "x"),
        ("observers", None),
        ("retry", 5),
        ("transforms", [print]),
    ],
)
def test_what_a_plugin_brings_and_cannot_be_used_is_refused(member: str, value: object) -> None:
    plugin = Named()
    setattr(plugin, member, value)
    with pytest.raises(ValidationError, match=f"{member} of the plugin 'named' cannot be used: give a"):
        DynamoDB(DynamoDBConfig.for_local_development()).use(plugin)


def test_a_name_is_used_once() -> None:
    with pytest.raises(ValidationError, match="'named' is in use already"):
        checked_plugin(Named(), [Named()])


def installed(folder: Path, *lines: str) -> Path:
    """A folder that has a package with these entry points, as pip would have installed it."""
    (folder / "bringing.py").write_text(MODULE)
    about = folder / "bringing-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: bringing\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("\n".join(["[dynamodb_wrapper.plugins]", *lines, ""]))
    return folder


def ask(folder: Path, switch: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", ASK],
        env={"PYTHONPATH": str(folder), "DYNAMODB_PLUGINS": switch},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("switch", "names"),
    [
        ("", ["other", "told"]),
        ("told", ["told"]),
        ("off", []),
        ("OFF", []),
        ("told, other", ["other", "told"]),
    ],
)
def test_installed_packages_bring_plugins_by_entry_point_unless_they_are_switched_off(
    tmp_path: Path, switch: str, names: list[str]
) -> None:
    folder = installed(tmp_path, "told = bringing:Told", "other = bringing:Other")
    asked = ask(folder, switch)
    assert asked.stdout == f"{names} True\n", asked.stderr


def test_an_installed_plugin_that_cannot_be_loaded_is_named_with_the_switch(tmp_path: Path) -> None:
    folder = installed(tmp_path, "absent = bringing:Absent")
    asked = ask(folder)
    assert "the plugin 'absent' of an installed package (bringing:Absent) cannot be loaded" in asked.stderr
    assert "DYNAMODB_PLUGINS=off" in asked.stderr
    assert ask(folder, "off").stdout == "[] True\n"


def test_an_entry_point_that_is_no_plugin_is_refused(tmp_path: Path) -> None:
    assert "5 is no plugin" in ask(installed(tmp_path, "broken = bringing:broken")).stderr
