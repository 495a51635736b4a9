"""The generic write API: create, update, delete and upsert from DTOs, one item or many.

Knows what can be asked; how it is done stands in `handlers.items` and `handlers.bulk`. Must not know a
particular domain: those add methods with the names of their business, each a line or two over what is there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dynamodb_wrapper.engine.faces import method
from dynamodb_wrapper.engine.flow import Flow
from dynamodb_wrapper.exceptions import MetaError
from dynamodb_wrapper.handlers.api import AwaitingApi, BlockingApi
from dynamodb_wrapper.handlers.bulk import BulkCommands
from dynamodb_wrapper.handlers.items import D, M
from dynamodb_wrapper.wire.compiled import attribute_names


class Commands(BulkCommands[M, D]):
    """What can be written of any model; a subclass names its `model` and its `dto`.

    Conditions (`condition_expression`) are this library's own or boto3's. Everything is validated before
    anything is sent. Models with `created_at` and `updated_at` get both in UTC.

    Raises:
        ValidationError: from any write: what was given is wrong, or too big to be stored; nothing was sent.
        WriteOutcomeUnknownError: from any write that repeating could apply twice: its answer was lost.
    """

    _named_by_subclass = ("model", "dto")

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        dto, model = getattr(cls, "dto", None), getattr(cls, "model", None)
        if dto is None or model is None:
            return
        counted = getattr(getattr(model, "Meta", None), "version", None)
        if any(
            name in dto.model_fields and stored == counted for name, stored in attribute_names(model).items()
        ):
            raise MetaError(
                f"{cls.__name__}: {dto.__name__} has {counted}, the version of {model.__name__}, which every "
                f"write counts up by itself: take it out of {dto.__name__}",
                context={"model": model.__qualname__, "fields": [counted]},
            )
        if lost := [name for name in dto.model_fields if name not in model.model_fields]:
            raise MetaError(
                f"{cls.__name__}: {dto.__name__} has {', '.join(lost)}, which {model.__name__} has not, so "
                f"that it could not be stored: add {'it' if len(lost) == 1 else 'them'} to {model.__name__}",
                context={"model": model.__qualname__, "fields": lost},
            )

    @method
    def create(self, dto: D, condition_expression: object = None) -> Flow[M]:
        """Store a new item; never overwrites.

        Returns:
            What was stored.

        Raises:
            ConflictError: an item with this key exists; carries it as `current_item`.
        """
        return self._create(self._new(dto), condition_expression)

    @method
    def update(self, key: object, updates: Mapping[str, Any], condition_expression: object = None) -> Flow[M]:
        """Change the named fields of an item that exists, and no others.

        Returns:
            The item as it is after the update.

        Raises:
            ValidationError: a field is unknown, of the key, or breaks a rule; nothing was written.
            ItemNotFoundError: no item has that key.
            ConflictError: the condition does not hold; carries the item as `current_item`.
        """
        return self._update(key, updates, condition_expression)

    @method
    def delete(self, key: object, condition_expression: object = None) -> Flow[bool]:
        """Remove an item.

        Returns:
            True if it was there, else False; also False when the first answer was lost and the repetition
            found that attempt's work done.

        Raises:
            ConflictError: the condition does not hold; carries the item as `current_item`.
        """
        return self._delete(key, condition_expression)

    @method
    def upsert(self, dto: D) -> Flow[M]:
        """Store an item whether or not it exists, in one call.

        `created_at`, `created_by` and what the DTO does not have stay as they are where the item exists.

        Returns:
            The item as it is stored now.
        """
        return self._upsert(dto)

    @method
    def upsert_many(self, dtos: Sequence[D]) -> Flow[list[M]]:
        """Store many items as `upsert` does, several at a time; each for itself, not as one transaction.

        Returns:
            The items as they are stored now, in the order of `dtos`.

        Raises:
            BulkWriteError: some failed; names those that were written and the error of each other.
        """
        return self._upsert_many(dtos)


class WriteApi(Commands[M, D], BlockingApi):
    """A blocking write API; a domain is a subclass that names its `model` and `dto`."""


class AsyncWriteApi(Commands[M, D], AwaitingApi):
    """An awaiting write API; a domain is a subclass that names its `model` and `dto`."""
