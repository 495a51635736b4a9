"""What stands between a client's requests and the wire: retries, observers, plugins.

Knows layers and their order. Must not know what is asked, nor how a face waits.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Self

from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.engine.events import (
    Event,
    Observer,
    log_attempt,
    observed_attempts,
    observed_calls,
    tell,
)
from dynamodb_wrapper.engine.flow import Call, Layer, Send, stack
from dynamodb_wrapper.engine.plugins import (
    Plugin,
    checked_parts,
    checked_plugin,
    installed_plugins,
    layers_of,
)
from dynamodb_wrapper.engine.retry import Retry
from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.wire.sharing import shared_bucket, shared_regions


class Host:
    """The part of a client that plugins are given to.

    A call passes the layers of the plugins, the first one used outermost; then the retries (those of a plugin
    that brings some), the choice of the Region, and the layers around each attempt, in the same order.
    """

    config: DynamoDBConfig
    observers: Sequence[Observer]
    plugins: Sequence[Plugin] = ()
    _bound: Sequence[Plugin] = ()

    def use(self, plugin: Plugin) -> Self:
        """Add a plugin, inside of those that are there.

        Returns:
            This client, so that another one may follow.

        Raises:
            ValidationError: it is no plugin, one of its name is in use, what it brings cannot be called, it
                brings retries and another one does, or it has layers and the client has sent calls without
                them already; nothing was added.
        """
        plugin = checked_plugin(plugin, self.plugins)
        bound = checked_parts(plugin.bound(self.config), plugin.name)
        if bound.retry is not None:
            self._refuse_second_retry(plugin)
        if "send" in self.__dict__:
            if layers_of(bound) or bound.attempts or bound.retry is not None:
                mend = "use plugins right after the client is made"
                raise ValidationError(
                    f"the plugin {plugin.name!r} comes too late, because this client has sent calls without "
                    f"it: {mend}",
                    errors={"plugin": [mend]},
                )
            del self.__dict__["send"]
        self.plugins, self._bound = (*self.plugins, plugin), (*self._bound, bound)
        self._observers.extend(bound.observers)
        return self

    @cached_property
    def send(self) -> Send:
        """Carries a call through the layers of this client; they are put together when it is first used."""
        config, observers = self.config, self.observers
        own: Layer = Retry(config.retries, config.timeout_seconds, shared_bucket(config))
        retry = next((plugin.retry for plugin in self._bound if plugin.retry is not None), own)
        layers: list[Layer] = [layer for plugin in self._bound for layer in layers_of(plugin)]
        layers += [observed_calls(observers), retry] if observers else [retry]
        if config.regions:
            layers.append(shared_regions(config))
        layers += [layer for plugin in self._bound for layer in plugin.attempts]
        if observers:
            layers.append(observed_attempts(observers))
        return stack(layers)

    def _refuse_second_retry(self, plugin: Plugin) -> None:
        for used, bound in zip(self.plugins, self._bound, strict=True):
            if bound.retry is not None:
                mend = "a client repeats calls in one way: give all policies to one plugin"
                raise ValidationError(
                    f"the plugins {used.name!r} and {plugin.name!r} both bring retries: {mend}",
                    errors={"plugin": [mend]},
                )

    def _start(self, given: object, observers: Sequence[Observer]) -> None:
        """Take the settings and all that they bring."""
        self.config = settings(given)
        self._observers = [*observers, log_attempt] if self.config.debug_logging else [*observers]
        self.observers = self._observers  # the same list, for APIs that hold it: one may come later
        for plugin in (*installed_plugins(), *self.config.plugins):
            self.use(plugin)  # type: ignore[arg-type]  # refuses what is none

    def _tell(self, event: Event) -> None:
        tell(self.observers, event)


def settings(given: object) -> DynamoDBConfig:
    """The config that a client was given, or one from the environment where it is None.

    Raises:
        ValidationError: it is something else.
    """
    if given is None:
        return DynamoDBConfig()
    if isinstance(given, DynamoDBConfig):
        return given
    mend = "give a DynamoDBConfig, such as DynamoDBConfig.from_env(), or nothing"
    raise ValidationError(f"config is a {type(given).__name__}: {mend}", errors={"config": [mend]})


def closed(call: Call) -> ValidationError:
    """What is raised when a closed client is asked for something."""
    return ValidationError(
        f"{call.action} was asked of a client that is closed: make a new one, or ask inside its `with`",
        context={"table": call.table, "operation": call.action},
    )
