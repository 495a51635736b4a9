from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.entry_points import InstalledPackage

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


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InstalledPackage]:
    made = InstalledPackage(tmp_path, MODULE, monkeypatch)
    yield made
    made.forget()


def test_installed_packages_bring_plugins_by_entry_point(package: InstalledPackage) -> None:
    package.names("told = bringing:Told", "other = bringing:Other")
    asked = subprocess.run(
        [sys.executable, "-c", ASK],
        env=package.environment(),
        cwd=package.folder,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert asked.stdout == "['other', 'told'] True\n", asked.stderr


def brought() -> list[str]:
    """The names of the plugins of a client; another client has the same objects."""
    first, second = (DynamoDB(DynamoDBConfig.for_local_development()).plugins for _ in range(2))
    assert all(one is other for one, other in zip(first, second, strict=True))
    return [plugin.name for plugin in first]


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
def test_plugins_of_installed_packages_can_be_switched_off(
    package: InstalledPackage, switch: str, names: list[str]
) -> None:
    package.names("told = bringing:Told", "other = bringing:Other", switch=switch)
    assert brought() == names


def test_an_installed_plugin_that_cannot_be_loaded_is_named_with_the_switch(
    package: InstalledPackage,
) -> None:
    package.names("absent = bringing:Absent")
    with pytest.raises(ValidationError, match="DYNAMODB_PLUGINS=off") as refused:
        brought()
    told = "the plugin 'absent' of an installed package (bringing:Absent) cannot be loaded"
    assert told in refused.value.message
    package.names("absent = bringing:Absent", switch="off")
    assert brought() == []


def test_an_entry_point_that_is_no_plugin_is_refused(package: InstalledPackage) -> None:
    package.names("broken = bringing:broken")
    with pytest.raises(ValidationError, match="5 is no plugin"):
        brought()
