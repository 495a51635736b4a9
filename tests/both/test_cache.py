"""The cache in process, under both faces: what makes no call, what is forgotten, and what is never kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from typing import Any

import pytest
from boto3.dynamodb.conditions import Attr
from tests.support.gates import Gate, Recorder, side_by_side

from dynamodb_wrapper import (
    DynamoDB,
    DynamoDBModel,
    PipelineConfig,
    PipelineConfigReadApi,
    PipelineConfigUpsert,
    PipelineConfigWriteApi,
)
from dynamodb_wrapper.core import AsyncTableGateway, TableGateway
from dynamodb_wrapper.exceptions import (
    ConditionalCheckFailedError,
    ConnectionError,
    ItemNotFoundError,
    ValidationError,
)
from dynamodb_wrapper.plugins import CachePlugin, CacheRead


class Product(DynamoDBModel):
    id: str
    name: str = "thing"
    stock: int = 0

    class Meta:
        table_name = "products"
        partition_key = "id"


class Reading(DynamoDBModel):
    sensor: int
    minute: int
    value: float = 0.0

    class Meta:
        table_name = "readings"
        partition_key = "sensor"
        sort_key = "minute"


class Setup:
    """A client with a cache, another one without, and what reaches the service of the first."""

    def __init__(self, face: Any, inner: tuple[Any, ...], options: dict[str, Any]) -> None:
        self.cache, self.recorder, self.events = CachePlugin(**options), Recorder(), list[Any]()
        self.config = face.config.replace(plugins=(self.cache, self.recorder, *inner))
        self.db = face(DynamoDB, self.config, observers=[self.events.append])
        self.outside = face(DynamoDB)
        self.face = face

    @property
    def controls(self) -> Any:
        """What the cache offers to the client."""
        if self.face.name == "sync":
            return type(self.db)(self.cache.of(self.db._blocking))
        return self.cache.of(self.db)

    def gateway(self, table: str) -> Any:
        """The gateway to a table, over the same client."""
        if self.face.name == "sync":
            return type(self.db)(TableGateway(self.db._blocking, table))
        return AsyncTableGateway(self.db, table)

    async def sees(self, product: Product | None, key: str = "a") -> None:
        """A read by key gives that."""
        assert await self.db.get(Product, key) == product


@pytest.fixture(params=["memory", "redis"])
async def setup(
    request: pytest.FixtureRequest, face: Any, tables: Any
) -> AsyncIterator[Callable[..., Setup]]:
    """`setup(*plugins, **options)` is a cache in process, or in Redis too, with plugins further in."""
    tables(Product, Reading)
    made: list[Setup] = []
    shared: dict[str, Any] = {}
    if request.param == "redis":
        server = request.getfixturevalue("redis_server")
        shared = {
            "redis": server.url,
            "namespace": face.config.table_prefix,
            "redis_timeout_seconds": 5.0,  # it is off only if Redis is dead, not where this machine is busy
        }

    def make(*inner: Any, **options: Any) -> Setup:
        made.append(Setup(face, inner, shared | options))
        return made[-1]

    yield make
    for each in made:
        await each.controls.close()


@pytest.fixture
def cached(setup: Callable[..., Setup]) -> Setup:
    return setup()


async def test_an_item_that_was_read_is_read_again_without_a_call(cached: Setup) -> None:
    await cached.outside.put(Product(id="a", stock=3))
    await cached.sees(Product(id="a", stock=3))
    assert cached.recorder.take() == ["GetItem"]
    await cached.sees(Product(id="a", stock=3))
    assert cached.recorder.take() == []
    assert (cached.cache.stats.hits, cached.cache.stats.misses) == (1, 1)


async def test_an_item_that_is_missing_is_known_to_be_for_a_while(cached: Setup) -> None:
    await cached.sees(None)
    await cached.sees(None)
    assert cached.recorder.take() == ["GetItem"]
    assert cached.cache.stats.negative_hits == 1
    await cached.db.put(Product(id="a"))
    await cached.sees(Product(id="a"))


async def test_missing_items_may_be_asked_for_each_time(setup: Callable[..., Setup]) -> None:
    cached = setup(missing_seconds=0)
    await cached.sees(None)
    await cached.sees(None)
    assert cached.recorder.take() == ["GetItem", "GetItem"]


async def test_what_is_kept_has_its_time(setup: Callable[..., Setup]) -> None:
    cached = setup(item_seconds=0.05)
    await cached.outside.put(Product(id="a", stock=1))
    await cached.sees(Product(id="a", stock=1))
    await cached.outside.put(Product(id="a", stock=2))
    await asyncio.sleep(0.1)
    await cached.sees(Product(id="a", stock=2))


async def name_of(db: Any, model: type) -> str:
    """The full name of a model's table; the method is no request and is not awaited."""
    name = db.table_name(model)
    return str(name if isinstance(name, str) else await name)


async def put(db: Any) -> None:
    await db.put(Product(id="a", stock=2))


async def update(db: Any) -> None:
    await db.update(Product, "a", {"stock": 2})


async def batch_write(db: Any) -> None:
    await db.batch_write(Product, puts=[Product(id="a", stock=2)], deletes=["c"])


async def transaction(db: Any) -> None:
    step = db.transaction().update(Product, "a", {"stock": 2}).put(Product(id="d"))
    await step.execute()


async def statement(db: Any) -> None:
    table = await name_of(db, Product)
    await db.execute_statement(f'UPDATE "{table}" SET stock=? WHERE id=?', [2, "a"])


async def made_again(db: Any) -> None:
    await db.delete_table(Product)
    await db.create_table(Product)
    await db.put(Product(id="a", stock=2))


@pytest.mark.parametrize("write", [put, update, batch_write, transaction, statement, made_again])
async def test_a_write_is_seen_by_the_next_read(cached: Setup, write: Callable[[Any], Any]) -> None:
    db = cached.db
    await db.put(Product(id="a", stock=1))
    await cached.sees(Product(id="a", stock=1))
    await write(db)
    await cached.sees(Product(id="a", stock=2))
    await cached.sees(None, "c")


async def test_a_removed_item_is_missing(cached: Setup) -> None:
    await cached.db.put(Product(id="a"))
    await cached.sees(Product(id="a"))
    assert await cached.db.delete(Product, "a")
    await cached.sees(None)


async def test_what_a_write_makes_of_an_item_needs_no_call(cached: Setup) -> None:
    await cached.db.put(Product(id="a", stock=1))
    await cached.sees(Product(id="a", stock=1))
    await cached.db.update(Product, "a", {"stock": 2})
    await cached.sees(Product(id="a", stock=2))
    await cached.db.delete(Product, "a")
    await cached.sees(None)
    assert "GetItem" not in cached.recorder.take()


async def test_reads_after_a_write_are_consistent_until_replicas_have_it(setup: Callable[..., Setup]) -> None:
    cached = setup(settle_seconds=0.3)
    await cached.db.batch_write(Product, puts=[Product(id="a"), Product(id="b")])
    cached.recorder.take()
    await cached.db.get(Product, "a")
    await cached.db.batch_get(Product, ["b"])
    get, batch = cached.recorder.calls
    assert get.body["ConsistentRead"]
    (request,) = batch.body["RequestItems"].values()
    assert request["ConsistentRead"]
    await asyncio.sleep(0.4)
    cached.recorder.take()
    await cached.db.get(Product, "c")
    assert "ConsistentRead" not in cached.recorder.calls[0].body


async def test_consistent_and_transactional_reads_are_passed_on_and_not_kept(cached: Setup) -> None:
    await cached.outside.put(Product(id="a", stock=1))
    await cached.db.get(Product, "a", consistent=True)
    await cached.db.batch_get(Product, ["a"], consistent=True)
    await cached.db.transact_get([(Product, "a")])
    assert cached.recorder.take() == ["GetItem", "BatchGetItem", "TransactGetItems"]
    await cached.sees(Product(id="a", stock=1))
    assert cached.recorder.take() == ["GetItem"]
    await cached.outside.put(Product(id="a", stock=2))
    assert (await cached.db.get(Product, "a", consistent=True)).stock == 2
    await cached.sees(Product(id="a", stock=1))


async def test_a_batch_asks_only_for_what_is_not_kept(cached: Setup) -> None:
    await cached.outside.batch_write(Product, puts=[Product(id=key) for key in "abc"])
    await cached.sees(Product(id="b"), "b")
    cached.recorder.take()
    found = await cached.db.batch_get(Product, ["a", "b", "x", "c"])
    assert [item and item.id for item in found] == ["a", "b", None, "c"]
    (call,) = cached.recorder.calls
    (request,) = call.body["RequestItems"].values()
    assert sorted(key["id"]["S"] for key in request["Keys"]) == ["a", "c", "x"]
    cached.recorder.take()
    assert await cached.db.batch_get(Product, ["a", "b", "x", "c"]) == found
    assert cached.recorder.take() == []
    await cached.sees(Product(id="c"), "c")
    assert cached.recorder.take() == []


async def test_a_number_in_a_key_is_one_however_it_is_written(cached: Setup) -> None:
    gateway = cached.gateway(await name_of(cached.db, Reading))
    await gateway.put_item(Item={"sensor": 1, "minute": Decimal("10"), "value": 1})
    assert (await gateway.get_item(Key={"minute": 10, "sensor": Decimal("1.0")}))["Item"]["value"] == 1
    await gateway.put_item(Item={"sensor": Decimal("1.00"), "minute": Decimal("1E+1"), "value": 2})
    assert (await gateway.get_item(Key={"sensor": 1, "minute": 10}))["Item"]["value"] == 2


async def test_pages_of_a_query_live_by_time_alone(setup: Callable[..., Setup]) -> None:
    cached = setup(query_seconds=0.3)

    async def values() -> list[float]:
        return [item.value for item in await cached.db.query(Reading).where("sensor", "=", 1).all()]

    await cached.db.put(Reading(sensor=1, minute=1, value=1.0))
    assert await values() == [1.0]
    await cached.db.put(Reading(sensor=1, minute=1, value=2.0))
    cached.recorder.take()
    assert await values() == [1.0]
    assert cached.recorder.take() == []
    assert (cached.cache.stats.query_hits, cached.cache.stats.query_misses) == (1, 1)
    await asyncio.sleep(0.4)
    assert await values() == [2.0]


async def test_queries_may_be_passed_on(setup: Callable[..., Setup]) -> None:
    cached = setup(query_seconds=0)
    for _ in range(2):
        await cached.db.query(Reading).where("sensor", "=", 1).all()
    assert cached.recorder.take() == ["Query", "Query"]


async def test_a_failed_write_forgets_the_item(cached: Setup) -> None:
    await cached.db.put(Product(id="a", stock=1))
    await cached.sees(Product(id="a", stock=1))
    await cached.outside.put(Product(id="a", stock=5))
    with pytest.raises(ConditionalCheckFailedError):
        await cached.db.put(Product(id="a", stock=2), condition=Attr("stock").eq(1))
    await cached.sees(Product(id="a", stock=5))


async def test_nothing_is_kept_of_an_item_whose_write_may_still_come(
    face: Any, setup: Callable[..., Setup]
) -> None:
    gate = Gate("PutItem")
    cached = setup(gate)
    lost = ConnectionError("the answer was lost")
    lost.outcome_unknown, lost.retryable = True, False
    await cached.sees(None)
    gate.close(lost)
    writing = asyncio.create_task(side_by_side(face, [lambda: cached.db.put(Product(id="a", stock=1))]))
    await gate.until_held()
    gate.open()
    with pytest.raises(ConnectionError):
        await writing
    cached.recorder.take()
    await cached.sees(Product(id="a", stock=1))
    await cached.outside.put(Product(id="a", stock=2))
    await cached.sees(Product(id="a", stock=2))
    assert cached.recorder.take() == ["GetItem", "GetItem"]


async def test_200_cold_reads_of_one_item_at_once_make_one_call(
    face: Any, setup: Callable[..., Setup]
) -> None:
    gate = Gate("GetItem")
    cached = setup(gate)
    await cached.outside.put(Product(id="a", stock=1))
    gate.close()
    reading = asyncio.create_task(side_by_side(face, [lambda: cached.db.get(Product, "a")] * 200))
    await gate.until_held()
    gate.open()
    assert await reading == [Product(id="a", stock=1)] * 200
    assert cached.recorder.take() == ["GetItem"]
    stats = cached.cache.stats
    assert stats.hits + stats.misses + stats.shared == 200
    assert stats.misses == 1


async def test_a_leader_that_fails_does_not_fail_the_others(face: Any, setup: Callable[..., Setup]) -> None:
    gate = Gate("GetItem")
    cached = setup(gate)
    await cached.outside.put(Product(id="a", stock=1))
    failure = ConnectionError("broken")
    failure.retryable = False
    gate.close(failure)
    leader = asyncio.create_task(side_by_side(face, [lambda: cached.db.get(Product, "a")]))
    await gate.until_held()
    others = asyncio.create_task(side_by_side(face, [lambda: cached.db.get(Product, "a")] * 5))
    await asyncio.sleep(0.05)
    gate.open()
    with pytest.raises(ConnectionError):
        await leader
    assert await others == [Product(id="a", stock=1)] * 5


async def test_a_leader_that_is_cancelled_lets_the_others_go_on_with_one_call(
    face: Any, setup: Callable[..., Setup]
) -> None:
    if face.name == "sync":
        pytest.skip("a blocking call cannot be cancelled")
    gate = Gate("GetItem")
    cached = setup(gate)
    await cached.outside.put(Product(id="a", stock=1))
    gate.close()
    leader = asyncio.create_task(cached.db.get(Product, "a"))
    await gate.until_held()
    others = [asyncio.create_task(cached.db.get(Product, "a")) for _ in range(20)]
    await asyncio.sleep(0.05)
    others[0].cancel()
    leader.cancel()
    gate.open()
    with pytest.raises(asyncio.CancelledError):
        await leader
    assert await asyncio.gather(*others[1:]) == [Product(id="a", stock=1)] * 19
    assert cached.recorder.take() == ["GetItem", "GetItem"]


async def test_a_write_that_is_cancelled_leaves_nothing_old(face: Any, setup: Callable[..., Setup]) -> None:
    if face.name == "sync":
        pytest.skip("a blocking call cannot be cancelled")
    gate = Gate("PutItem")
    cached = setup(gate)
    await cached.sees(None)
    await cached.sees(None, "b")
    gate.close()
    writing = asyncio.create_task(cached.db.put(Product(id="a", stock=1)))
    await gate.until_held()
    writing.cancel()
    gate.open()
    with pytest.raises(asyncio.CancelledError):
        await writing
    await cached.sees(Product(id="a", stock=1))
    cached.recorder.take()
    await cached.sees(None, "b")
    assert cached.recorder.take() == []


async def test_a_slow_reader_cannot_put_back_an_old_item(face: Any, setup: Callable[..., Setup]) -> None:
    gate = Gate("GetItem")
    cached = setup(gate)
    await cached.outside.put(Product(id="a", stock=1))
    gate.close()
    reading = asyncio.create_task(side_by_side(face, [lambda: cached.db.get(Product, "a")]))
    await gate.until_held()
    await cached.db.update(Product, "a", {"stock": 2})
    gate.open()
    assert await reading == [Product(id="a", stock=1)]
    await cached.sees(Product(id="a", stock=2))
    assert cached.cache.stats.refused_fills == 1


async def test_what_something_else_wrote_can_be_forgotten(cached: Setup) -> None:

    async def forget(*what: Any) -> None:
        await (cached.controls.invalidate(*what) if what else cached.controls.clear())

    for number, what in enumerate([(Product, "a"), (Product,), ()]):
        await cached.sees(Product(id="a", stock=number - 1) if number else None)
        await cached.outside.put(Product(id="a", stock=number))
        await forget(*what)
        await cached.sees(Product(id="a", stock=number))


async def test_apis_and_gateways_take_the_cache_from_their_config(face: Any, tables: Any) -> None:
    tables(PipelineConfig)
    cache, recorder = CachePlugin(), Recorder()
    config = face.config.replace(plugins=(cache, recorder))
    write, read = face(PipelineConfigWriteApi, config), face(PipelineConfigReadApi, config)
    dto = PipelineConfigUpsert(
        pipeline_id="p", pipeline_name="P", source_type="s3", destination_type="warehouse"
    )
    await write.create_pipeline(dto)
    assert (await read.get_by_id("p")).pipeline_name == "P"
    recorder.take()
    assert (await read.get_by_id("p")).pipeline_name == "P"
    assert recorder.take() == []
    await write.update_pipeline("p", {"pipeline_name": "Q"})
    assert (await read.get_by_id("p")).pipeline_name == "Q"
    assert (await read.get_by_id("p", projection=["pipeline_name"])).pipeline_name == "Q"
    await write.delete_pipeline("p")
    with pytest.raises(ItemNotFoundError):
        await read.get_by_id("p")
    with pytest.raises(ItemNotFoundError):
        await read.get_by_id("p", projection=["pipeline_name"])


async def test_each_projection_of_an_item_is_kept_apart(cached: Setup) -> None:
    gateway = cached.gateway(await name_of(cached.db, Product))
    await gateway.put_item(Item={"id": "a", "name": "lamp", "stock": 4})
    for _ in range(2):
        got = await gateway.get_item(Key={"id": "a"}, ProjectionExpression="stock")
        assert got["Item"] == {"stock": 4}
        got = await gateway.get_item(
            Key={"id": "a"}, ProjectionExpression="#n", ExpressionAttributeNames={"#n": "name"}
        )
        assert got["Item"] == {"name": "lamp"}
        assert (await gateway.get_item(Key={"id": "a"}))["Item"] == {"id": "a", "name": "lamp", "stock": 4}
    assert cached.recorder.take().count("GetItem") == 2
    await gateway.update_item(
        Key={"id": "a"}, UpdateExpression="SET stock = :s", ExpressionAttributeValues={":s": 5}
    )
    assert (await gateway.get_item(Key={"id": "a"}, ProjectionExpression="stock"))["Item"] == {"stock": 5}


async def test_what_is_kept_has_cost_nothing(cached: Setup) -> None:
    table = await name_of(cached.db, Product)
    gateway = cached.gateway(table)
    await gateway.put_item(Item={"id": "a"})
    priced = {"ReturnConsumedCapacity": "TOTAL"}
    for key in ("a", "b"):
        await gateway.get_item(Key={"id": key}, **priced)
        kept = await gateway.get_item(Key={"id": key}, **priced)
        assert kept["ConsumedCapacity"] == {"TableName": table, "CapacityUnits": 0}
        assert ("Item" in kept) is (key == "a")
    first, again = [await gateway.scan(**priced) for _ in range(2)]
    assert first["Items"] == again["Items"] == [{"id": "a"}]
    assert first["ConsumedCapacity"]["CapacityUnits"] > again["ConsumedCapacity"]["CapacityUnits"] == 0


async def test_observers_are_told_of_hits_and_misses(cached: Setup) -> None:
    await cached.db.get(Product, "a")
    await cached.db.get(Product, "a")
    await cached.db.query(Reading).where("sensor", "=", 1).all()
    await cached.db.batch_get(Product, ["a", "b", "c"])
    told = [event for event in cached.events if isinstance(event, CacheRead)]
    products, readings = await name_of(cached.db, Product), await name_of(cached.db, Reading)
    assert told == [
        CacheRead(products, False, "item"),
        CacheRead(products, True, "item"),
        CacheRead(readings, False, "query"),
        CacheRead(products, True, "item"),
        CacheRead(products, False, "item", 2),
    ]


@pytest.mark.parametrize(
    "options", [{"item_seconds": 0}, {"query_seconds": -1}, {"max_bytes": 0}, {"redis": "nonsense"}]
)
def test_a_wrong_option_is_named(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        CachePlugin(**options)
    assert caught.value.errors.keys() == options.keys()
