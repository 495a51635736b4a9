"""The cases: what is done, how often, and how much less than a rival's our CPU has to be.

Knows names and numbers. Must not know how a case is run or shown.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal

Kind = Literal["rounds", "once", "import"]
Measure = Literal["cpu", "wall", "limit ms", "within"]

RIVALS: Final = {
    "ours": "dynamodb-wrapper",
    "floor": "bare socket + signature",
    "boto3_client": "boto3 client",
    "boto3_resource": "boto3 resource",
    "pynamodb": "PynamoDB",
    "dyntastic": "dyntastic",
    "aiodynamo": "aiodynamo + aiohttp",
    "aioboto3": "aioboto3 resource",
    "pydynox": "pydynox (Rust)",
    "dynamoxy": "dynamoxy (Rust)",
}
"""The libraries by the name of their adapter, with the name that a reader sees."""

DISTRIBUTIONS: Final = (
    "boto3",
    "botocore",
    "pynamodb",
    "dyntastic",
    "aiodynamo",
    "aiohttp",
    "pydynox",
    "dynamoxy",
    "pydantic",
    "msgspec",
    "httptools",
)


@dataclass(frozen=True)
class Goal:
    """How much less we must take than a rival.

    Attributes:
        against: a row of the case; another case's row is written "case: row".
        factor: at least so many times less; at most so many times as much for "within"; milliseconds for
            "limit ms".
        measure: which figure is compared: "cpu" or "wall" of both, "within" for CPU the other way round,
            "limit ms" for our own CPU.
    """

    against: str
    factor: float
    measure: Measure = "cpu"


@dataclass(frozen=True)
class Case:
    """One thing that is measured.

    Attributes:
        name: the method of an adapter; with `shapes` its beginning, as in `query_flat_models`.
        title: what a reader sees; `{count}` in it is the number below.
        unit: what a figure is given for.
        count: how many operations (or items) make a round, `quick` in a quick run.
        scale: how many operations or items the figure is for.
        rounds: how many rounds, `quick_rounds` in a quick run; the figure is their median.
        shapes: what the items are read into; the first is ours that has the goals.
        kind: "rounds" in one process that lives on, "once" in a new one each time, "import" for an import.
    """

    name: str
    title: str
    unit: str
    count: int
    quick: int
    scale: int = 1
    rounds: int = 9
    quick_rounds: int = 5
    shapes: tuple[str, ...] = ()
    kind: Kind = "rounds"
    goals: tuple[Goal, ...] = ()
    note: str = ""

    @property
    def heading(self) -> str:
        """The title with its number."""
        return self.title.format(count=f"{self.count:,}")

    def quickly(self) -> Case:
        """The case as a quick run has it."""
        return replace(self, count=self.quick, rounds=self.quick_rounds)


_SHAPES = ("models", "dicts", "arrow", "wire", "bytes")

CASES: Final = (
    Case(
        "get_sync",
        "get, sync",
        "call",
        1000,
        250,
        goals=(
            Goal("boto3_client", 11),
            Goal("pydynox", 3),
            Goal("get_async_1: dynamoxy", 3),
            Goal("floor", 2, "within"),
        ),
    ),
    Case("get_async_1", "get, async, 1 in flight", "call", 1000, 300),
    Case(
        "get_async_32",
        "get, async, 32 in flight",
        "call",
        2000,
        640,
        goals=(Goal("dynamoxy", 2), Goal("aiodynamo", 3)),
    ),
    Case("get_async_128", "get, async, 128 in flight", "call", 2560, 640),
    Case("put", "put of a model", "call", 600, 100, goals=(Goal("boto3_resource", 8),)),
    Case("update", "update of two attributes", "call", 600, 80, note="the item as it is then is returned"),
    Case(
        "query_flat",
        "query of 1,000 FLAT",
        "1,000 items",
        10,
        3,
        shapes=_SHAPES,
        goals=(
            Goal("boto3_resource dicts", 9),
            Goal("aiodynamo dicts", 1.8),
            Goal("dynamoxy models", 2.5),
        ),
    ),
    Case(
        "query_nested",
        "query of 1,000 NESTED",
        "1,000 items",
        6,
        2,
        quick_rounds=4,
        shapes=_SHAPES,
        goals=(Goal("boto3_resource dicts", 8), Goal("dynamoxy models", 1.5)),
    ),
    Case(
        "query_projected",
        "query of 1,000 FLAT, five attributes",
        "1,000 items",
        10,
        3,
        quick_rounds=4,
        shapes=("views", "models", "dicts"),
    ),
    Case(
        "batch_write",
        "batch write of {count} FLAT",
        "1,000 items",
        10_000,
        2_000,
        scale=1000,
        rounds=5,
        quick_rounds=2,
        goals=(Goal("boto3_resource", 5), Goal("boto3_resource", 1, "wall")),
    ),
    Case("batch_get", "batch get of {count}", "1,000 items", 1000, 1000, scale=1000, quick_rounds=3),
    Case(
        "scan_threads",
        "parallel scan of {count} FLAT, 4 threads",
        "1,000 items",
        100_000,
        20_000,
        scale=1000,
        rounds=3,
        quick_rounds=1,
    ),
    Case(
        "scan_processes",
        "parallel scan of {count} FLAT, 2 processes",
        "1,000 items",
        100_000,
        20_000,
        scale=1000,
        rounds=3,
        quick_rounds=2,
        goals=(Goal("boto3_resource", 6),),
        note="CPU of the workers included; the items are there in the parent at the end",
    ),
    Case(
        "scan_arrow",
        "parallel scan of {count} FLAT to Arrow columns, 2 processes",
        "1,000 items",
        100_000,
        20_000,
        scale=1000,
        rounds=3,
        quick_rounds=1,
        note="CPU of the workers included; the columns are there in the parent at the end",
    ),
    Case("transact", "transaction of 25 puts", "transaction", 40, 10, rounds=5, quick_rounds=3),
    Case(
        "import",
        "import of the package",
        "import",
        1,
        1,
        rounds=15,
        quick_rounds=3,
        kind="import",
        goals=(Goal("boto3_client", 3), Goal("", 100, "limit ms")),
        note="ours loads a name's module when the name is first used, and boto3's data come with the client",
    ),
    Case(
        "import_names",
        "import, and a client and a model made",
        "process",
        1,
        1,
        rounds=15,
        quick_rounds=3,
        kind="import",
        goals=(Goal("boto3_client", 3), Goal("", 100, "limit ms")),
        note="nothing is sent; boto3 has no models; those that need an event loop for it are left out",
    ),
    Case(
        "cold",
        "cold start: import, client, model, first get",
        "process",
        1,
        1,
        rounds=9,
        quick_rounds=2,
        kind="once",
    ),
    Case(
        "stream",
        "streaming {count} FLAT",
        "1,000 items",
        1_000_000,
        10_000,
        scale=1000,
        rounds=1,
        quick_rounds=1,
        kind="once",
    ),
    Case(
        "models_20",
        "20 models with one client: made, and a get with each",
        "20 models",
        20,
        20,
        scale=20,
        rounds=5,
        quick_rounds=2,
        kind="once",
    ),
)

IMPORTS: Final = {
    "import": {
        "ours": "import dynamodb_wrapper",
        "boto3_client": "import boto3",
        "dyntastic": "import dyntastic",
        "aioboto3": "import aioboto3",
        "pydynox": "import pydynox",
        "dynamoxy": "import dynamoxy",
    },
    "import_names": {
        "ours": """
from dynamodb_wrapper import DynamoDB, DynamoDBConfig, DynamoDBModel
class Order(DynamoDBModel):
    id: str
    total: int
    class Meta:
        table_name, partition_key = "orders", "id"
client = DynamoDB(DynamoDBConfig())
""",
        "boto3_client": "import boto3; client = boto3.client('dynamodb')",
        "boto3_resource": "import boto3; table = boto3.resource('dynamodb').Table('orders')",
        "pynamodb": """
from pynamodb.connection import Connection
from pynamodb.models import Model
from pynamodb.attributes import NumberAttribute, UnicodeAttribute
class Order(Model):
    id = UnicodeAttribute(hash_key=True)
    total = NumberAttribute()
    class Meta:
        table_name = "orders"
client = Connection().client
""",
        "pydynox": """
from pydynox import DynamoDBClient, Model, ModelConfig
from pydynox.attributes import NumberAttribute, StringAttribute
class Order(Model):
    id = StringAttribute(partition_key=True)
    total = NumberAttribute()
    model_config = ModelConfig(table="orders")
client = DynamoDBClient()
""",
    },
}
"""What is run: the package alone, and what a program does before its first call."""
