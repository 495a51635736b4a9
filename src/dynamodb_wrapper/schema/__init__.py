"""A model's Meta compiled into one frozen description: table, keys, indexes, key types.

Keys, expressions, planner, table creation, migrations and docs all read this description and nothing else.
"""

from dynamodb_wrapper.schema.compile import schema_of, schema_of_item
from dynamodb_wrapper.schema.description import GSI, GUARD, LSI, WRITES, Index, KeyType, TableSchema
from dynamodb_wrapper.schema.encrypted import BlindIndex, Encrypted

__all__ = [
    "GSI",
    "GUARD",
    "LSI",
    "WRITES",
    "BlindIndex",
    "Encrypted",
    "Index",
    "KeyType",
    "TableSchema",
    "schema_of",
    "schema_of_item",
]
