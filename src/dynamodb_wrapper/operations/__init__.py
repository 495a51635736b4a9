"""Operations: what can be asked of the service, each a frozen value with `call` and `parse`.

Knows requests and replies. Must not know faces, connections or business rules. Keys, start keys and items are
in wire form here; what a reply's items become is decided by the reader that an operation is given.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dynamodb_wrapper.operations.batches import BatchGet, BatchWrite
    from dynamodb_wrapper.operations.intents import Create, UpdateExisting
    from dynamodb_wrapper.operations.reads import All, Count, Found, GetItem, Query, Scan, Search, Take, Taken
    from dynamodb_wrapper.operations.tables import (
        CreateTable,
        DeleteTable,
        DescribeTable,
        ListTables,
        TableStatus,
    )
    from dynamodb_wrapper.operations.transactions import TransactAction, TransactGet, TransactWrite
    from dynamodb_wrapper.operations.writes import DeleteItem, PutItem, UpdateItem
else:
    from dynamodb_wrapper.lazy import loader

    __getattr__ = loader(
        __name__,
        {
            "batches": "BatchGet BatchWrite",
            "intents": "Create UpdateExisting",
            "reads": "All Count Found GetItem Query Scan Search Take Taken",
            "tables": "CreateTable DeleteTable DescribeTable ListTables TableStatus",
            "transactions": "TransactAction TransactGet TransactWrite",
            "writes": "DeleteItem PutItem UpdateItem",
        },
    )

__all__ = [
    "All",
    "BatchGet",
    "BatchWrite",
    "Count",
    "Create",
    "CreateTable",
    "DeleteItem",
    "DeleteTable",
    "DescribeTable",
    "Found",
    "GetItem",
    "ListTables",
    "PutItem",
    "Query",
    "Scan",
    "Search",
    "TableStatus",
    "Take",
    "Taken",
    "TransactAction",
    "TransactGet",
    "TransactWrite",
    "UpdateExisting",
    "UpdateItem",
]
