"""What a plugin is, and those that other packages bring.

Knows layers, observers and entry points. Must not know what any plugin does.

    class Audit(Plugin):
        name, version = "audit", "1.0"

        def __init__(self) -> None:
            self.observers = [self.note]

        def note(self, event: Event) -> None: ...

    db = DynamoDB(config).use(Audit())
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, NoReturn

from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.engine.events import Observer
from dynamodb_wrapper.engine.flow import Layer
from dynamodb_wrapper.engine.transforms import Transform, transforming
from dynamodb_wrapper.exceptions import ValidationError

ENTRY_POINTS = "dynamodb_wrapper.plugins"
SWITCH = "DYNAMODB_PLUGINS"


class Plugin:
    """What a plugin may bring; a subclass has a name and a version, and any of the rest.

    One object may serve several clients of either face at once: what it keeps, it keeps for all of them.

    Attributes:
        name: what tells it from others of the same client.
        version: its own version, for those who look at a client.
        layers: around each call with its retries: `def layer(send, call): return (yield from send(call))`.
            Of the plugins of a client the one used first is the outermost.
        attempts: layers around every single attempt, inside the retries.
        retry: the layer that repeats calls, in place of the client's own; one plugin of a client may bring
            it.
        observers: told of each event of `engine.events`; change nothing.
        transforms: change items on their way to the table and back, inside of the plugin's layers, the first
            one nearest to the application.
        commands: typer applications that the command `dynamodb-wrapper` offers under the plugin's name.
    """

    name: str = ""
    version: str = ""
    layers: Sequence[Layer] = ()
    attempts: Sequence[Layer] = ()
    retry: Layer | None = None
    observers: Sequence[Observer] = ()
    transforms: Sequence[Transform] = ()
    commands: Sequence[Any] = ()

    def bound(self, config: DynamoDBConfig) -> Plugin:
        """What serves the clients of a configuration: this object, or one that knows the settings."""
        return self


def layers_of(plugin: Plugin) -> Sequence[Layer]:
    """What a plugin brings around each call: its layers, and its transforms as layers inside of them."""
    return [*plugin.layers, *map(transforming, plugin.transforms)]


def checked_plugin(plugin: object, used: Sequence[Plugin]) -> Plugin:
    """The plugin, if it is one and may be used beside the others.

    Raises:
        ValidationError: it is none, has no name or version, or one of its name is in use.
    """
    if isinstance(plugin, type):
        mend = f"give an object of it, such as {plugin.__name__}(...)"
        raise ValidationError(f"{plugin.__name__} is a class: {mend}", errors={"plugin": [mend]})
    name = getattr(plugin, "name", None)
    if not isinstance(plugin, Plugin) or not (name and plugin.version):
        mend = "give an object of a subclass of dynamodb_wrapper.plugins.Plugin that has a name and a version"
        raise ValidationError(f"{plugin!r} is no plugin: {mend}", errors={"plugin": [mend]})
    if name in (other.name for other in used):
        mend = "use each plugin once, or give the second one another name"
        raise ValidationError(f"the plugin {name!r} is in use already: {mend}", errors={"plugin": [mend]})
    return plugin


def checked_parts(plugin: Plugin, name: str) -> Plugin:
    """The plugin that serves a client, if what it brings can be used.

    Raises:
        ValidationError: it brings something that cannot be called.
    """
    for member in ("layers", "attempts", "observers"):
        if not _all(getattr(plugin, member), callable):
            _refuse_part(name, member, "give a list of functions")
    if plugin.retry is not None and not callable(plugin.retry):
        _refuse_part(name, "retry", "give a function, or leave it out")
    if not _all(plugin.transforms, _is_transform):
        _refuse_part(name, "transforms", "give a list of objects with `attributes`, `store` and `load`")
    return plugin


def _all(parts: object, check: Callable[[object], bool]) -> bool:
    return isinstance(parts, Iterable) and all(map(check, parts))


def _is_transform(part: object) -> bool:
    return all(callable(getattr(part, name, None)) for name in ("attributes", "store", "load"))


def _refuse_part(name: str, member: str, mend: str) -> NoReturn:
    raise ValidationError(
        f"{member} of the plugin {name!r} cannot be used: {mend}", errors={f"plugin.{member}": [mend]}
    )


def installed_plugins() -> Sequence[Plugin]:
    """The plugins that installed packages bring by the entry point `dynamodb_wrapper.plugins`, by name.

    Each is made once per process. The variable `DYNAMODB_PLUGINS` says which are wanted: names with commas
    between them, "off" for none; all where it is not set.

    Raises:
        ValidationError: one cannot be loaded or is no plugin.
    """
    wanted = os.environ.get(SWITCH, "").strip()
    if wanted.lower() == "off":
        return ()
    names = {name.strip() for name in wanted.split(",")} if wanted else None
    return [plugin for plugin in _loaded() if names is None or plugin.name in names]


@lru_cache(maxsize=1)
def _loaded() -> Sequence[Plugin]:
    from importlib.metadata import entry_points

    loaded: list[Plugin] = []
    for entry in sorted(entry_points(group=ENTRY_POINTS), key=lambda entry: entry.name):
        try:
            found = entry.load()
            loaded.append(checked_plugin(found() if callable(found) else found, loaded))
        except Exception as error:
            raise ValidationError(
                f"the plugin {entry.name!r} of an installed package ({entry.value}) cannot be loaded: "
                f"{error}. Mend or remove that package, or set {SWITCH}=off",
                error,
            ) from error
    return loaded
