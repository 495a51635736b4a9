"""Reading tables as DataFrames, against what was written."""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pyspark.sql.types import LongType, StringType, StructField, StructType
from tests.support.faults import FaultServer, answered, reply, throttle
from tests.support.spark_models import Order

from dynamodb_wrapper import DynamoDB, DynamoDBConfig, ValidationError
from dynamodb_wrapper.operations import BatchWrite
from dynamodb_wrapper.spark.connector import change_schema, read_small, register
from dynamodb_wrapper.spark.connector.options import Options, read_options
from dynamodb_wrapper.spark.connector.planning import Share, shares
from dynamodb_wrapper.spark.connector.reader import DynamoDBReader
from dynamodb_wrapper.spark.connector.reading import batches_of
from dynamodb_wrapper.spark.connector.schemas import arrow_of, kinds_of, spark_schema
from dynamodb_wrapper.spark.connector.source import Source
from dynamodb_wrapper.spark.connector.streaming import StreamReader
from dynamodb_wrapper.spark.connector.writing import check_columns

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


def test_names_that_dynamodb_reserves_and_parts_of_maps_are_read(
    config: DynamoDBConfig, db: DynamoDB, tables: Callable[..., list[str]]
) -> None:
    (table,) = tables(Order)
    item: dict[str, Any] = {
        "customer": {"S": "a"},
        "number": {"N": "1"},
        "size": {"N": "2"},
        "a.b": {"S": "dot"},
        "größe": {"S": "gros"},
        "map": {"M": {"name": {"S": "in"}, "Name": {"S": "IN"}, "more": {"M": {"x": {"N": "1"}}}}},
    }
    db.run(BatchWrite(table=table, key_fields=("customer", "number"), puts=[item]))
    schema = StructType(
        [
            StructField("size", LongType()),
            StructField("a.b", StringType()),
            StructField("größe", StringType()),
            StructField("map", StructType([StructField("Name", StringType())])),
        ]
    )
    for told in (None, '[["a.b", "=", "dot"], ["map.name", "=", "in"]]'):
        source = Source(Options(table="orders", segments=64, filter=told), config).known(kinds_of(schema))
        batches = [batch for share in shares(source) for batch in batches_of(source, share, arrow_of(schema))]
        assert [row for batch in batches for row in batch.to_pylist()] == [
            {"size": 2, "a.b": "dot", "größe": "gros", "map": {"Name": "IN"}}
        ]


@pytest.mark.parametrize("options", [{"table": "orders"}, {"model": MODEL}])
def test_a_column_that_is_an_attribute_but_for_the_case_is_told(
    config: DynamoDBConfig, tables: Callable[..., list[str]], options: dict[str, str]
) -> None:
    tables(Order)
    with pytest.raises(ValidationError, match="Customer is named customer: name the column so"):
        Source(read_options(options), config).known([("Customer", str), ("number", int)])
    both = [("customer", str), ("Customer", str)]
    assert Source(read_options(options), config).known(both).columns == tuple(both)


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


def test_reads_ask_for_their_columns_and_are_consistent_when_asked(
    config: DynamoDBConfig, orders: list[Order]
) -> None:
    with FaultServer([], upstream=str(config.endpoint_url)) as server:
        schema = StructType([field for field in spark_schema(Order) if field.name in ("customer", "weight")])
        source = Source(
            Options(model=MODEL, consistent=True, segments=2), config.replace(endpoint_url=server.url)
        ).known(kinds_of(schema))
        for share in shares(source):
            list(batches_of(source, share, arrow_of(schema)))
        scans = [request.json for request in server.requests if request.action == "Scan"]
    assert [(scan["Segment"], scan["TotalSegments"]) for scan in scans] == [(0, 2), (1, 2)]
    named = [{*scan["ExpressionAttributeNames"].values()} for scan in scans]
    assert all("ProjectionExpression" in scan for scan in scans)
    assert named == [{"customer", "number", "weight", "expires"}] * 2  # the key is for errors
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


def test_a_task_waits_at_its_end_until_the_units_that_it_used_have_come(
    config: DynamoDBConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else many short tasks would take a page each for nothing."""
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    page = {"Items": [], "Count": 0, "ConsumedCapacity": {"TableName": "orders", "CapacityUnits": 128}}
    with FaultServer([reply(answered(page))]) as server:
        asked = Options(model=MODEL, table="orders", read_units=20.0)
        source = Source(asked, config.replace(endpoint_url=server.url, table_prefix=""))
        source = source.known(kinds_of(spark_schema(Order)))
        assert list(batches_of(source, Share(0, 2, 0.0), arrow_of(spark_schema(Order)))) == []
    assert 10 < waited[-1] < 13  # 128 units / 10 a second


def test_the_plan_of_a_read_asks_for_the_table_once(config: DynamoDBConfig, orders: list[Order]) -> None:
    with FaultServer([], upstream=str(config.endpoint_url)) as server:
        source = Source(Options(table="orders"), config.replace(endpoint_url=server.url))
        assert len(DynamoDBReader(source, spark_schema(Order)).partitions()) == 2
        assert [request.action for request in server.requests] == ["DescribeTable"]


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
    ("use", "options", "told"),
    [
        (check_columns, {"filter": '["a", "exists"]'}, "filter is not for writing"),
        (
            check_columns,
            {"maxItems": "5", "index": "ByStatus"},
            "index is not for writing: leave it out; maxItems",
        ),
        (shares, {"stream": "true"}, "stream is not for reading a table"),
        (
            lambda source: StreamReader(source, change_schema()),
            {"filter": "[]"},
            "filter is not for streaming",
        ),
    ],
)
def test_options_that_choose_rows_are_refused_where_they_would_be_passed_over(
    config: DynamoDBConfig, use: Callable[[Source], Any], options: dict[str, str], told: str
) -> None:
    with pytest.raises(ValidationError, match=told):
        use(Source(read_options({"model": MODEL, **options}), config).known(kinds_of(spark_schema(Order))))


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
