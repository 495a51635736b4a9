"""Expressions as frozen values: paths, conditions, updates, projections. Each encodes itself into `Params`.

Knows DynamoDB's expression language. Must not know models or operations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dynamodb_wrapper.expressions.boto3 import condition_of
    from dynamodb_wrapper.expressions.conditions import (
        AllOf,
        AnyOf,
        AttributeType,
        BeginsWith,
        Between,
        Compare,
        Condition,
        Contains,
        Exists,
        In,
        Missing,
        Not,
        all_of,
        equals,
        one_of,
    )
    from dynamodb_wrapper.expressions.params import Params
    from dynamodb_wrapper.expressions.paths import Path
    from dynamodb_wrapper.expressions.updates import (
        Add,
        Assign,
        AssignIfMissing,
        Change,
        Concat,
        DeleteFromSet,
        Increment,
        Remove,
        Update,
    )
else:
    from dynamodb_wrapper.lazy import loader

    __getattr__ = loader(
        __name__,
        {
            "boto3": "condition_of",
            "conditions": (
                "AllOf AnyOf AttributeType BeginsWith Between Compare Condition Contains Exists In Missing "
                "Not all_of equals one_of"
            ),
            "params": "Params",
            "paths": "Path",
            "updates": "Add Assign AssignIfMissing Change Concat DeleteFromSet Increment Remove Update",
        },
    )

__all__ = [
    "Add",
    "AllOf",
    "AnyOf",
    "Assign",
    "AssignIfMissing",
    "AttributeType",
    "BeginsWith",
    "Between",
    "Change",
    "Compare",
    "Concat",
    "Condition",
    "Contains",
    "DeleteFromSet",
    "Exists",
    "In",
    "Increment",
    "Missing",
    "Not",
    "Params",
    "Path",
    "Remove",
    "Update",
    "all_of",
    "condition_of",
    "equals",
    "one_of",
]
