"""What reads or writes: the table, its description, and who asks. It is pickled to the executors as it is.

Knows options, models and clients. Must not know Spark. A config with credentials is in here and nowhere that
Spark shows; without one, every process finds its own settings in its own environment.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any, TypeAlias

from pydantic import BaseModel

from dynamodb_wrapper.client import DynamoDB
from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.engine.events import Observer
from dynamodb_wrapper.engine.flow import Call, Flow, Reply, Send, Sleep
from dynamodb_wrapper.engine.plugins import Plugin
from dynamodb_wrapper.exceptions import RateLimitedError, ValidationError
from dynamodb_wrapper.operations.tables import DescribeTable
from dynamodb_wrapper.plugins.resilience.rate_limit import RateLimit
from dynamodb_wrapper.schema import TableSchema, schema_of
from dynamodb_wrapper.spark.connector.conditions import names_in
from dynamodb_wrapper.spark.connector.described import described_model, keys_of
from dynamodb_wrapper.spark.connector.options import Given, Options

Asked: TypeAlias = tuple[Options, Given, str | None, tuple[tuple[str, Any], ...]]
"""What a source is made of; it can be unpickled without what a source needs."""


class Source:
    """A table, as it is pickled for the executors.

    Parameters:
        options: what was asked for.
        given: what the source was registered with.
        keys: of the table, as `keys_of` gives them, once they are known; None where a model tells them.
        columns: the attributes with their Python types.
    """

    def __init__(
        self,
        options: Options,
        given: Given = None,
        keys: str | None = None,
        columns: Sequence[tuple[str, Any]] = (),
    ) -> None:
        self.options, self._given, self._keys, self.columns = options, given, keys, tuple(columns)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.options!r})"

    def __reduce__(self) -> tuple[type[Source], Asked]:
        return Source, self.asked

    @property
    def asked(self) -> Asked:
        """What another process makes this source of."""
        return self.options, self._given, self._keys, self.columns

    @cached_property
    def config(self) -> DynamoDBConfig:
        """The settings in this process."""
        return self.options.config(self._given)

    @cached_property
    def own_model(self) -> type[BaseModel] | None:
        """The model that the options name."""
        return None if self.options.model is None else _model(self.options.model)

    @cached_property
    def model(self) -> type[BaseModel]:
        """The model of the items, made from the table's description where none was named."""
        if self.own_model is not None:
            return self.own_model
        told = self.options.filter
        filtered = () if told is None else names_in(told)
        return described_model(self.keys, self.columns, self.options.ttl, filtered)

    @cached_property
    def schema(self) -> TableSchema[Any]:
        """The table's description."""
        return schema_of(self.model)

    @cached_property
    def table(self) -> str:
        """The table's full name."""
        name = self.options.table
        return self.config.get_table_name(
            schema_of(_model(str(self.options.model))).table_name if name is None else name
        )

    @property
    def keys(self) -> str:
        """The table's keys and indexes; the service is asked once."""
        if self._keys is None:
            self._keys = keys_of(self.description)
        return self._keys

    @cached_property
    def description(self) -> Any:
        """What the service says of the table now."""
        with self.client() as db:
            return db.run(DescribeTable(self.table)).description

    def client(self) -> DynamoDB:
        """A client of this process."""
        return DynamoDB(self.config)

    @contextmanager
    def limited(
        self,
        *,
        reads: float | None = None,
        writes: float | None = None,
        observers: Sequence[Observer] = (),
    ) -> Iterator[DynamoDB]:
        """A client that uses no more than its share; at the end it waits until what was used has come.

        It begins with no units. Else each of many short tasks would take some, or a page, for nothing, and
        all together more than there is.

        Parameters:
            reads: read units a second that it may use.
            writes: the same for write units.
            observers: of its calls.
        """
        config = self.config
        if reads is None and writes is None:
            with DynamoDB(config, observers=observers) as db:
                yield db
            return
        limit = RateLimit(read_units=reads, write_units=writes, begins_full=False)
        config = config.replace(plugins=(*config.plugins, _Patience(), limit))
        try:
            with DynamoDB(config, observers=observers) as db:
                yield db
        except Exception:
            time.sleep(limit.owed_seconds())  # for Spark begins a task that failed again at once
            raise
        time.sleep(limit.owed_seconds())

    @cached_property
    def key_types(self) -> list[tuple[str, str]]:
        """The attributes of the primary key, each with its type: S, N or B."""
        return [(name, self.schema.key_types[name]) for name in self.schema.key_fields]

    def known(self, columns: Sequence[tuple[str, Any]]) -> Source:
        """This source with what executors need, so that none of them asks the service for it.

        Raises:
            ValidationError: a column is named as an attribute but for the case, which DynamoDB keeps and
                Spark mostly does not: it would be another attribute.
        """
        known, names = self._names, {name for name, _ in columns}
        folded = {name.casefold(): name for name in known - names}
        wrong = {
            name: f"is named {folded[name.casefold()]}: name the column so"
            for name in names - known
            if name.casefold() in folded
        }
        if wrong:
            told = "; ".join(f"{name} {text}" for name, text in sorted(wrong.items()))
            raise ValidationError(
                f"columns for {self.table}: {told}", errors={name: [text] for name, text in wrong.items()}
            )
        found = Source(self.options, self._given, None if self.options.model else self.keys, columns)
        if "description" in vars(self):
            found.description = self.description
        return found

    @property
    def _names(self) -> set[str]:
        """The attributes that are known before there are columns."""
        return {*(self.schema.key_types if self.own_model is None else self.schema.attributes)}


class _Patience(Plugin):
    """Sends a call anew whose turn would have come after its deadline: a task has nothing else to do."""

    name, version = "patience", "1.0"

    def __init__(self) -> None:
        self.layers = [self._wait]

    def _wait(self, send: Send, call: Call) -> Flow[Reply]:
        while True:
            try:
                return (yield from send(call))
            except RateLimitedError as error:
                if error.retry_after_seconds is None or error.outcome_unknown:
                    raise
                yield Sleep(error.retry_after_seconds)


def _model(place: str) -> type[BaseModel]:
    module, _, name = place.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError, ValueError) as error:
        text = 'give "package.module:Class", which driver and executors can import'
        raise ValidationError(
            f"the model {place!r} cannot be loaded ({error}): {text}", errors={"model": [text]}
        ) from error
    schema_of(found)
    model: type[BaseModel] = found
    return model
