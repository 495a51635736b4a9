"""The command `dynamodb-wrapper plugins`, and the commands that installed plugins bring.

Knows what a plugin may bring. Must not know what any of their commands does.
"""

from __future__ import annotations

import typer
from typer.core import TyperGroup
from typer.main import get_group

from dynamodb_wrapper.engine.plugins import ENTRY_POINTS, SWITCH, Plugin, installed_plugins
from dynamodb_wrapper.exceptions import ValidationError

__all__ = ["plugins", "with_commands"]

plugins = typer.Typer(name="plugins", no_args_is_help=True, help="Plugins that installed packages bring.")


@plugins.callback()
def root() -> None:
    """Plugins that installed packages bring."""


@plugins.command("list")
def list_plugins() -> None:
    """Tell name and version of each plugin, and what it brings."""
    found = installed_plugins()
    for plugin in found:
        typer.echo(f"{plugin.name} {plugin.version}: {', '.join(_brings(plugin)) or 'nothing'}")
    if not found:
        typer.echo(f"no plugins: no installed package has the entry point {ENTRY_POINTS}, or {SWITCH} is set")


def with_commands(root: typer.Typer) -> TyperGroup:
    """The root command with the commands of installed plugins, each under its plugin's name.

    A plugin that cannot be loaded, or has the name of a command of ours, is told of on standard error: the
    other commands work without it.
    """
    group = get_group(root)
    try:
        found = [plugin for plugin in installed_plugins() if plugin.commands]
    except ValidationError as error:
        typer.echo(f"warning: {' '.join(error.message.split())}", err=True)
        return group
    for plugin in found:
        if plugin.name in group.commands:
            typer.echo(f"warning: the commands of the plugin {plugin.name!r} are hidden by ours", err=True)
        else:
            commands = get_group(_commands(plugin))
            commands.name = plugin.name
            group.add_command(commands)
    return group


def _commands(plugin: Plugin) -> typer.Typer:
    """One application: the only one of the plugin, or one that has several inside of it, by their names."""
    if len(plugin.commands) == 1:
        only: typer.Typer = plugin.commands[0]
        return only
    together = typer.Typer(no_args_is_help=True, help=f"Commands of the plugin {plugin.name}.")
    for command in plugin.commands:
        together.add_typer(command)
    return together


def _brings(plugin: Plugin) -> list[str]:
    kinds = ("layers", "attempts", "retry", "observers", "transforms", "commands")
    found = [kind for kind in kinds if getattr(plugin, kind)]
    if type(plugin).bound is not Plugin.bound:
        found.append("more for each configuration")
    return found
