"""The plugin: models' encrypted fields, the keys for them, and the jobs that go with both.

Knows how its parts are put together. Must not know how each works.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, TypeVar

from pydantic import BaseModel

from dynamodb_wrapper.engine.plugins import Plugin
from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.expressions import Compare, Path
from dynamodb_wrapper.expressions.params import Wire
from dynamodb_wrapper.operations.reads import All, Query
from dynamodb_wrapper.plugins.encryption.cache import KeyCache
from dynamodb_wrapper.plugins.encryption.envelope import KEY_BYTES
from dynamodb_wrapper.plugins.encryption.keys import KeyProvider
from dynamodb_wrapper.plugins.encryption.layer import EncryptionLayer
from dynamodb_wrapper.plugins.encryption.rotation import Rotation, RotationReport
from dynamodb_wrapper.plugins.encryption.tables import Tables
from dynamodb_wrapper.plugins.options import Problem, instance, positive, refuse_wrong, unset_or, whole
from dynamodb_wrapper.schema import schema_of
from dynamodb_wrapper.wire.plaintext import MARK
from dynamodb_wrapper.wire.values import WireItem

if TYPE_CHECKING:
    from dynamodb_wrapper.config import DynamoDBConfig

M = TypeVar("M", bound=BaseModel)
KEY_SECONDS: Final = 300.0
KEY_USES: Final = 100_000
MOST_USES: Final = 2**32


class Encryption(Plugin):
    """Encrypts the fields that models mark with `Encrypted[...]` before they leave the process.

    Use it before the other plugins, so that these see what is stored and not what was given.

    Parameters:
        keys: where data keys come from: a `Keyring`, `AwsKms`, or a provider of your own.
        models: those with encrypted fields.
        blind_key: the root key of blind indexes, 32 random bytes or more that stay the same for good; needed
            where a field has a `BlindIndex`.
        bound_tables: the full name that the ciphertexts of a table are bound to, by the table's full name,
            where that is not its own: that of the original for a table restored under another name.
        accept_plaintext: whether a value that is not encrypted is read as it is, for as long as a table that
            was in use before is being encrypted.
        key_seconds: how long a data key is kept, 5 minutes. AWS asks for as short a time as still brings the
            use ("Setting cache security thresholds", AWS Encryption SDK Developer Guide).
        key_uses: how many values are encrypted with one data key; far below the 2^32 of that guide.

    Raises:
        ValidationError: an option is wrong, or a model has no encrypted field.
    """

    name = "encryption"
    version = "1"

    def __init__(
        self,
        keys: KeyProvider,
        models: Sequence[type[BaseModel]],
        *,
        blind_key: bytes | None = None,
        bound_tables: Mapping[str, str] | None = None,
        accept_plaintext: bool = False,
        key_seconds: float = KEY_SECONDS,
        key_uses: int = KEY_USES,
    ) -> None:
        refuse_wrong(
            type(self).__name__,
            keys=_provider(keys),
            models=_models(models),
            blind_key=unset_or(_blind_key, blind_key),
            bound_tables=unset_or(_tables, bound_tables),
            key_seconds=positive(key_seconds),
            key_uses=_uses(key_uses),
        )
        self._accept_plaintext = accept_plaintext
        self._tables = Tables(models, blind_key, dict(bound_tables or {}))
        self._cache = KeyCache(keys, key_seconds, key_uses)
        self.layers = (EncryptionLayer(self._tables, self._cache, accept_plaintext),)

    def __repr__(self) -> str:
        return f"Encryption({', '.join(at.table for at in self._tables)})"

    def bound(self, config: DynamoDBConfig) -> Encryption:
        """See `Plugin.bound`: the models' tables are known under the client's prefix."""
        self._tables.add(config.table_prefix)
        return self

    def search(self, model: type[M], field: str, value: object, *, table: str | None = None) -> All[M]:
        """The items whose encrypted field has a value, through a global index: `db.run(search)`.

        Parameters:
            field: the encrypted attribute; its blind index is the partition key of one of Meta's `gsis`.
            value: what the field holds, not None.
            table: as for `rotation`.

        Raises:
            ValidationError: there is no such index, or the value is not of the field's type.
        """
        schema, at = schema_of(model), self._tables.of(model, table)
        blind = at.attributes.get(field)
        index = next((each for each in schema.indexes.values() if each.partition == (blind,)), None)
        if blind is None or index is None:
            mend = f"annotate it with BlindIndex() and add GSI(..., {blind or f'{field}_bidx'!r}) to gsis"
            raise ValidationError(
                f"no index of {model.__name__} finds {field}: {mend}", errors={field: [mend]}
            )
        held = at.blind(field, schema.codec.encode_attribute(field, value)[MARK])
        if held is None:
            raise ValidationError(f"{field}: None is not in a blind index: ask for missing({field})")
        query = Query(
            table=at.table,
            reader=schema.codec,
            key_fields=(*schema.key_fields, *index.keys),
            index=index.name,
            key_condition=Compare(Path((blind,)), "=", Wire(held)),
        )
        return All(query)

    def rotation(
        self,
        model: type[BaseModel],
        *,
        table: str | None = None,
        everything: bool = False,
        start: WireItem | None = None,
        progress: Callable[[RotationReport], object] | None = None,
    ) -> Rotation:
        """The job that encrypts a table's values anew under the current master key: `db.run(rotation)`.

        It may run beside readers and writers, and again after it was broken off.

        Parameters:
            model: a model whose items the table has.
            table: the table's full name, where clients with several prefixes use this plugin.
            everything: also values that are under the current master key, such as after KMS renewed the key
                behind its id.
            start: the `resume` of an earlier report, to go on there.
            progress: called with a report after every page.
        """
        return Rotation(
            at=self._tables.of(model, table),
            cache=self._cache,
            accept_plaintext=self._accept_plaintext,
            everything=everything,
            start=start,
            progress=progress,
        )


def _provider(keys: object) -> Problem:
    if callable(getattr(keys, "new_key", None)) and callable(getattr(keys, "unwrapped", None)):
        return None
    return f"is of type {type(keys).__name__}; give a Keyring, AwsKms, or a provider of your own"


def _models(models: object) -> Problem:
    if isinstance(models, Sequence) and all(isinstance(model, type) for model in models):
        return None
    return "give a list of classes, such as [Patient]"


def _blind_key(key: object) -> Problem:
    if isinstance(key, bytes) and len(key) >= KEY_BYTES:
        return None
    return f"is too short, or not of bytes; give at least {KEY_BYTES} random bytes"


def _uses(uses: int) -> Problem:
    return whole(uses) or (f"is {uses}; give at most {MOST_USES}" if uses > MOST_USES else None)


def _tables(tables: object) -> Problem:
    return instance(tables, Mapping, "give a dict of full names, such as {'restored': 'original'}")
