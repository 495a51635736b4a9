"""The suggested index: the lines of a Meta that, pasted, make the query need no scan."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from pydantic import Field

from dynamodb_wrapper import DynamoDB, DynamoDBConfig
from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.models import DynamoDBModel
from dynamodb_wrapper.query.suggest import always_there
from dynamodb_wrapper.schema import GSI, schema_of


class Parcel(DynamoDBModel):
    id: str
    carrier: str
    weight: int
    express: bool = False
    depot: str | None = None
    parts: list[str] = Field(default_factory=list)

    class Meta:
        table_name = "parcels"
        partition_key = "id"
        gsis: ClassVar = [GSI("ByCarrier", "carrier", ["weight", "id"], ["express"])]


def query(model: type[DynamoDBModel]) -> Any:
    return DynamoDB(DynamoDBConfig(region_name="us-east-1"), transport=refuse).query(model)


def refuse(*_: Any) -> bytes:
    raise AssertionError("nothing is sent")


def pasted(text: str) -> type[DynamoDBModel]:
    names: dict[str, Any] = {"GSI": GSI, "Parcel": Parcel}
    exec(f"class Pasted(Parcel):\n    class Meta(Parcel.Meta):\n{text}", names)
    model: type[DynamoDBModel] = names["Pasted"]
    return model


@pytest.mark.parametrize(
    ("conditions", "line"),
    [
        ([("depot", "=", "x")], 'GSI("ByDepot", "depot")'),
        ([("depot", "in", ["x", "y"])], 'GSI("ByDepot", "depot")'),
        ([("weight", ">", 3), ("depot", "=", "x")], 'GSI("ByDepotAndWeight", "depot", "weight")'),
        (
            [("depot", "begins_with", "x"), ("express", "=", True)],
            'GSI("ByExpressAndDepot", "express", "depot")',
        ),
        ([("express", "=", True), ("depot", "=", "x")], 'GSI("ByDepot", "depot")'),
        ([("depot", "=", "x"), ("depot", ">", "a")], 'GSI("ByDepot", "depot")'),
    ],
)
def test_what_is_suggested_serves(conditions: list[tuple[Any, ...]], line: str) -> None:
    def asked(model: type[DynamoDBModel]) -> Any:
        found = query(model)
        for condition in conditions:
            found = found.where(*condition)
        return found

    with pytest.raises(ValidationError) as caught:
        asked(Parcel).explain()
    text = caught.value.context["meta"]
    assert text.splitlines() == [
        "        gsis = [",
        '            GSI("ByCarrier", "carrier", ["weight", "id"], projection=["express"]),',
        f"            {line},",
        "        ]",
    ]
    assert text in caught.value.message
    assert asked(pasted(text)).explain().index == line.split('"')[1]


@pytest.mark.parametrize("condition", [("parts", "=", ["x"]), ("weight", ">", 3), ("depot", "missing")])
def test_nothing_is_suggested_that_would_not_serve(condition: tuple[Any, ...]) -> None:
    with pytest.raises(ValidationError, match="Give a value for a partition key") as caught:
        query(Parcel).where(*condition).explain()
    assert caught.value.context["meta"] is None


def test_only_fields_that_cannot_be_none_are_always_there() -> None:
    schema = schema_of(Parcel)
    assert [name for name in sorted(schema.attributes) if not always_there(schema, name)] == ["depot"]
    assert not always_there(schema, "unknown")
