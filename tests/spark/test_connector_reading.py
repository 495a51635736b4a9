"""Reading tables as DataFrames, against what was written."""

from __future__ import annotations

import json
import pickle
import random
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from operator import attrgetter
from typing import Any

import pytest
from tests.support.faults import FaultServer, throttle
from tests.support.spark_models import Order

from dynamodb_wrapper import DynamoDB, DynamoDBConfig, ValidationError
from dynamodb_wrapper.spark.connector import read_by_map, read_small, register
from dynamodb_wrapper.spark.connector.options import Options, read_options
from dynamodb_wrapper.spark.connector.planning import planned, shares
from dynamodb_wrapper.spark.connector.reading import batches_of
from dynamodb_wrapper.spark.connector.schemas import arrow_of, kinds_of, spark_schema
from dynamodb_wrapper.spark.connector.source import Source

ENGINES = ("dynoxide",)

MODEL = "tests.support.spark_models:Order"
COLUMNS = "customer string, number long, status string"
Asked = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def rows(config: DynamoDBConfig) -> Asked:
    """`rows(model=..., filter=...)` is what the tasks of a read of orders find, without Spark."""

    def found(**options: str) -> list[dict[str, Any]]:
        schema = spark_schema(Order)
        source = Source(read_options(options), config).known(kinds_of(schema))
        arrow = arrow_of(schema, source.own_model)
        batches = [batch for share in shares(source) for batch in batches_of(source, share, arrow)]
        return [row for batch in batches for row in batch.to_pylist()]

    return found


def places(found: list[Any]) -> list[tuple[str, int]]:
    named = [row if isinstance(row, dict) else row.asDict() for row in found]
    return sorted((row["customer"], row["number"]) for row in named)


def test_a_table_is_read_in_parallel_segments(read: Callable[..., Any], orders: list[Order]) -> None:
    df = read(COLUMNS, table="orders", segments=4)
    assert df.rdd.getNumPartitions() == 4
    found = sorted((row.customer, row.number, row.status) for row in df.collect())
    assert found == sorted((order.customer, order.number, order.status) for order in orders)


def test_the_schema_comes_from_the_model(read: Callable[..., Any], orders: list[Order]) -> None:
    df = read(model=MODEL)
    assert [field.simpleString() for field in df.schema] == [
        "customer:string",
        "number:bigint",
        "status:string",
        "total:string",
        "weight:double",
        "placed:timestamp",
        "urgent:boolean",
        "expires:bigint",
    ]
    assert df.count() == len(orders)


def _conditions(seed: int) -> Iterator[tuple[list[Any], Callable[[Order], bool]]]:
    """Random conditions, each with what it says in Python."""
    chance = random.Random(seed)
    names = ("customer", "number", "status", "total", "weight", "urgent")

    def leaf() -> tuple[list[Any] | dict[str, Any], Callable[[Order], bool]]:
        name = chance.choice(names)
        value: Any = {
            "customer": f"c{chance.randrange(8)}",
            "number": chance.randrange(210),
            "status": chance.choice(("open", "paid", "lost")),
            "total": chance.randrange(100),
            "weight": chance.randrange(25),
            "urgent": chance.random() < 0.5,
        }[name]
        kind = chance.choice(("=", "!=", "in", "exists", "missing", "not", "<", ">=", "between"))
        if name in ("customer", "status", "urgent") and kind in ("<", ">=", "between"):
            kind = "="
        get = attrgetter(name)
        if kind == "in":
            other = get(Order(customer="c1", number=7, status="open", total=Decimal(37), weight=1.0))
            return [name, "in", value, json.loads(json.dumps(other, default=int))], (
                lambda order: get(order) is not None and get(order) in (value, other)
            )
        if kind in ("exists", "missing"):
            return [name, kind], lambda order: (get(order) is None) is (kind == "missing")
        if kind == "not":
            return {"not": [name, "=", value]}, lambda order: get(order) != value
        if kind == "between":
            return [name, kind, value, value + 9], (
                lambda order: get(order) is not None and value <= get(order) <= value + 9
            )
        tests: dict[str, Callable[[Any], bool]] = {
            "=": lambda held: held == value,
            "!=": lambda held: held != value,
            "<": lambda held: held is not None and held < value,
            ">=": lambda held: held is not None and held >= value,
        }
        return [name, kind, value], lambda order: tests[kind](get(order))

    while True:
        parts = [leaf() for _ in range(chance.choice((1, 1, 2, 3)))]
        if len(parts) > 1 and chance.random() < 0.3:
            said: Any = {"any": [part for part, _ in parts]}
            yield [said], lambda order, parts=parts: any(holds(order) for _, holds in parts)  # type: ignore[misc]
        else:
            yield (
                [part for part, _ in parts],
                lambda order, parts=parts: all(holds(order) for _, holds in parts),  # type: ignore[misc]
            )


@pytest.mark.parametrize("named", [{"model": MODEL}, {"table": "orders"}], ids=["model", "table"])
def test_filters_find_what_python_finds(
    rows: Asked, orders: list[Order], config: DynamoDBConfig, named: dict[str, str]
) -> None:
    conditions = _conditions(5)
    used = set()
    fixed: list[tuple[list[Any], Callable[[Order], bool]]] = [
        ([["customer", "=", "c3"], ["number", "=", 3]], lambda o: (o.customer, o.number) == ("c3", 3)),
        ([["customer", "=", "c3"], ["number", ">", 50]], lambda o: o.customer == "c3" and o.number > 50),
        (
            [["customer", "in", "c1", "c5"], ["urgent", "=", True]],
            lambda o: o.customer in ("c1", "c5") and o.urgent,
        ),
        (
            [["status", "=", "paid"], ["total", ">", 40]],
            lambda o: o.status == "paid" and o.total > 40,
        ),
        (
            [["customer", "in", ["c0", "c1"]], ["number", "in", [0, 1, 7, 8]]],
            lambda o: o.customer in ("c0", "c1") and o.number in (0, 1, 7, 8),
        ),
    ]
    for said, holds in [*fixed, *(next(conditions) for _ in range(40))]:
        asked = {**named, "filter": json.dumps(said)}
        found = rows(**asked)
        assert places(found) == places([o.model_dump() for o in orders if holds(o)]), said
        source = Source(read_options(asked), config).known(kinds_of(spark_schema(Order)))
        plan = planned(source, 0.0)
        used |= {(plan.operation, lane.index.name) for lane in plan.lanes} | {(plan.operation, "keys")}
    wanted = {("get", "keys"), ("batch-get", "keys"), ("query", None), ("fan-out", None), ("scan", None)}
    assert wanted | {("query", "ByStatus")} <= used


def test_a_filtered_dataframe_is_right_when_it_is_reused_and_united(
    read: Callable[..., Any], orders: list[Order]
) -> None:
    paid = read(COLUMNS, table="orders", filter='[["status", "=", "paid"]]')
    whole = read(COLUMNS, table="orders")
    late = paid.where("number > 100")
    first = [order for order in orders if order.status == "paid"]
    after = [order for order in first if order.number > 100]
    assert late.count() == len(after)
    assert paid.count() == len(first)
    assert late.union(paid).union(whole).count() == len(after) + len(first) + len(orders)
    assert paid.where("number <= 100").count() == len(first) - len(after)


def test_spark_keeps_the_pushed_filters_of_another_query_over_the_same_dataframe(spark: Any) -> None:
    """A fact about Spark 4.1 to 4.3 and the reason why filters are an option here: when this fails, Spark
    has been mended."""
    datasource = pytest.importorskip("pyspark.sql.datasource")
    if not hasattr(datasource, "GreaterThan"):
        pytest.skip("this Spark pushes no filters into Python data sources")

    class Reader(datasource.DataSourceReader):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            self.least = -1

        def pushFilters(self, filters: Any) -> Any:
            for each in filters:
                if isinstance(each, datasource.GreaterThan):
                    self.least = each.value
                yield each

        def read(self, partition: Any) -> Iterator[Any]:
            return ((number,) for number in range(10) if number > self.least)

    class Ten(datasource.DataSource):  # type: ignore[misc, name-defined]
        @classmethod
        def name(cls) -> str:
            return "ten"

        def schema(self) -> str:
            return "x int"

        def reader(self, schema: Any) -> Any:
            return Reader()

    Reader.__module__ = Ten.__module__ = "__main__"
    session = spark.newSession()
    session.conf.set("spark.sql.python.filterPushdown.enabled", "true")
    session.dataSource.register(Ten)
    df = session.read.format("ten").load()
    assert df.where("x > 7").count() == 2
    assert df.count() != 10, "Spark has been mended"


def test_no_more_than_max_items_are_read(rows: Asked, orders: list[Order]) -> None:
    assert len(rows(model=MODEL, maxItems="17")) == 17
    assert len(rows(model=MODEL, maxItems="17", filter='[["status", "=", "paid"]]')) == 17
    assert len(rows(model=MODEL, maxItems="1000", filter='[["customer", "in", "c1", "c2"]]')) == 58


def test_expired_items_are_hidden_unless_asked_for(
    rows: Asked, db: DynamoDB, tables: Callable[..., list[str]]
) -> None:
    tables(Order)
    past = int(time.time()) - 1000
    db.batch_write(Order, puts=[Order(customer="a", number=1, expires=past), Order(customer="a", number=2)])
    for named in ({"model": MODEL}, {"table": "orders", "ttl": "expires"}):
        assert places(rows(**named)) == [("a", 2)]
        assert places(rows(**named, filter='["customer", "=", "a"]')) == [("a", 2)]
        assert places(rows(**named, includeExpired="true")) == [("a", 1), ("a", 2)]


def test_an_index_can_be_named_and_read_whole(rows: Asked, orders: list[Order]) -> None:
    assert places(rows(model=MODEL, index="ByStatus")) == places([o.model_dump() for o in orders])
    assert places(rows(model=MODEL, index="ByNumber")) == places([o.model_dump() for o in orders])
    with pytest.raises(ValidationError, match="consistent"):
        rows(model=MODEL, index="ByStatus", consistent="true")
    with pytest.raises(ValidationError, match="has no index 'ByNobody'"):
        rows(model=MODEL, index="ByNobody")


def test_reads_are_consistent_when_asked(config: DynamoDBConfig, orders: list[Order]) -> None:
    with FaultServer([], upstream=str(config.endpoint_url)) as server:
        source = Source(
            Options(model=MODEL, consistent=True, segments=2), config.replace(endpoint_url=server.url)
        ).known(kinds_of(spark_schema(Order)))
        for share in shares(source):
            list(batches_of(source, share, arrow_of(spark_schema(Order))))
        scans = [request.json for request in server.requests if request.action == "Scan"]
    assert [(scan["Segment"], scan["TotalSegments"]) for scan in scans] == [(0, 2), (1, 2)]
    assert all(scan["ConsistentRead"] for scan in scans)


def test_a_read_goes_on_after_throttles_within_its_share_of_the_units(
    config: DynamoDBConfig, orders: list[Order]
) -> None:
    with FaultServer([throttle(), throttle()], upstream=str(config.endpoint_url)) as server:
        asked = Options(model=MODEL, read_units=100_000.0, segments=2)
        source = Source(asked, config.replace(endpoint_url=server.url)).known(kinds_of(spark_schema(Order)))
        arrow = arrow_of(spark_schema(Order))
        found = [batch for share in shares(source) for batch in batches_of(source, share, arrow)]
        scans = [request.json for request in server.requests if request.action == "Scan"]
    assert sum(batch.num_rows for batch in found) == len(orders)
    assert all(scan.get("ReturnConsumedCapacity") for scan in scans)


@pytest.mark.parametrize(("partitions", "tasks", "share"), [(4, None, 25), (4, 2, 50), (2, 8, 50)])
def test_tasks_share_the_units(partitions: int, tasks: int | None, share: float) -> None:
    assert Options(tasks=tasks).share(100.0, partitions) == share
    assert Options(tasks=tasks).share(None, partitions) is None


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, 'give the option "table", or "model"'),
        ({"tabel": "orders"}, "did you mean 'table'"),
        ({"table": "a", "spark.dynamodb.secret.key": "x"}, "credentials are no option"),
        ({"table": "a", "awsSecretAccessKey": "x"}, "credentials are no option"),
        ({"table": "a", "segments": "0"}, "a whole number from 1 on"),
        ({"table": "a", "consistent": "yes"}, "true or false"),
        ({"table": "a", "readUnits": "-1"}, "a number above 0"),
        ({"table": "a", "operation": "merge"}, "one of put, insert, update, delete"),
        ({"table": "a", "writeUnits": "5"}, "how many tasks write at the same time"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, str], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        read_options(options)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("nonsense", "it is no JSON"),
        ('["status"]', "a condition looks like"),
        ('[["stats", "=", 1]]', "did you mean 'status'"),
        ('[["status", "==", "x"]]', "no operator"),
        ('[["number", ">", "many"]]', "number is <class 'int'>"),
        ('[{"none": []}]', "a condition looks like"),
    ],
)
def test_wrong_filters_are_refused(rows: Asked, orders: list[Order], said: str, told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        rows(model=MODEL, filter=said)


def test_a_model_that_cannot_be_loaded_is_told() -> None:
    with pytest.raises(ValidationError, match=r'give "package\.module:Class"'):
        Source(Options(model="tests.support.spark_models:Nobody")).own_model  # noqa: B018


def test_credentials_of_a_config_are_nowhere_that_spark_shows(
    spark: Any, config: DynamoDBConfig, orders: list[Order], capfd: pytest.CaptureFixture[str]
) -> None:
    access, secret, token = "AKIDOFTHETEST", "SECRETOFTHETEST", "TOKENOFTHETEST"
    session = spark.newSession()
    given = config.replace(aws_access_key_id=access, aws_secret_access_key=secret, aws_session_token=token)
    register(session, given, name="guarded")
    df = session.read.format("guarded").option("model", MODEL).load()
    assert df.count() == len(orders)
    capfd.readouterr()
    df.explain("extended")
    shown = [
        df._jdf.queryExecution().toString(),
        df._jdf.queryExecution().logical().toJSON(),
        capfd.readouterr().out,
        str(sorted(session.conf.getAll.items())) if not callable(session.conf.getAll) else "",
        str(session.sparkContext.getConf().getAll()),
        repr(Source(Options(model=MODEL), given)),
        repr(shares(Source(Options(model=MODEL), given).known([("customer", str)]))),
    ]
    for text in shown:
        assert not any(part in text for part in (access, secret, token))
    assert secret.encode() in pickle.dumps(Source(Options(model=MODEL), given))


def test_settings_of_the_session_are_used(spark: Any, config: DynamoDBConfig, orders: list[Order]) -> None:
    session = spark.newSession()
    session.conf.set("spark.dynamodb.endpoint", str(config.endpoint_url))
    session.conf.set("spark.dynamodb.table.prefix", config.table_prefix)
    register(session, name="here")
    assert session.read.format("here").schema(COLUMNS).load("orders").count() == len(orders)


def test_small_tables_are_read_by_the_driver_alone(
    spark: Any, config: DynamoDBConfig, orders: list[Order]
) -> None:
    df = read_small(spark, config=config, model=MODEL, filter='[["status", "=", "paid"]]')
    assert places(df.collect()) == places([o.model_dump() for o in orders if o.status == "paid"])


def test_tables_are_read_by_map_in_arrow(spark: Any, config: DynamoDBConfig, orders: list[Order]) -> None:
    pytest.importorskip("pandas", reason="Spark's mapInArrow wants pandas")
    df = read_by_map(spark, config=config, schema=COLUMNS, table="orders", segments="3")
    assert df.rdd.getNumPartitions() == 3
    assert places(df.collect()) == places([order.model_dump() for order in orders])
