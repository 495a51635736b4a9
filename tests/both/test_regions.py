"""Two engines as two Regions of a global table; the nearest is stopped in the middle, and comes back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from time import monotonic
from typing import Any

import pytest
from pydantic import BaseModel
from tests.support.faults import FaultServer, slow

from dynamodb_wrapper.client import DynamoDB
from dynamodb_wrapper.config import DynamoDBConfig, Region
from dynamodb_wrapper.engine.regions import REST_SECONDS, RegionChanged
from dynamodb_wrapper.exceptions import ConnectionError, ValidationError
from dynamodb_wrapper.local import RunningEngine, start


class Place(BaseModel):
    name: str
    country: str = "no"
    region: str = ""

    class Meta:
        table_name = "regional_places"
        partition_key = "name"
        gsis = [{"name": "CountryIndex", "partition_key": "country"}]  # noqa: RUF012


PLACES = [f"place-{number}" for number in range(30)]


@pytest.fixture
def replicas() -> Iterator[dict[str, RunningEngine]]:
    """Two engines; each has all places, with a mark that tells which engine it is."""
    with start("dynoxide") as near, start("dynoxide") as home:
        engines = {"eu-west-1": near, "us-east-1": home}
        for region in engines:
            fill(engines, region)
        yield engines


def at(engine: RunningEngine) -> DynamoDBConfig:
    return DynamoDBConfig.for_local_development(endpoint_url=engine.endpoint_url)


def fill(engines: dict[str, RunningEngine], region: str) -> None:
    with DynamoDB(at(engines[region])) as db:
        db.create_table(Place)
        db.batch_write(Place, puts=[Place(name=name, region=region) for name in PLACES])


def config_for(engines: dict[str, RunningEngine], **settings: Any) -> DynamoDBConfig:
    return at(engines["us-east-1"]).replace(
        region_name="us-east-1",
        regions=(Region("eu-west-1", engines["eu-west-1"].endpoint_url), "us-east-1"),
        failover_seconds=0.5,
        **settings,
    )


@pytest.fixture(params=["sync", "async"])
def make(request: pytest.FixtureRequest) -> Callable[..., Any]:
    from tests.conftest import AwaitableFace

    def client(config: DynamoDBConfig, **options: Any) -> Any:
        if request.param == "sync":
            return AwaitableFace(DynamoDB(config, **options))
        from dynamodb_wrapper.client import AsyncDynamoDB

        return AsyncDynamoDB(config, **options)

    return client


async def test_reads_come_from_the_nearest_region_writes_and_consistent_reads_from_home(
    make: Callable[..., Any], replicas: dict[str, RunningEngine]
) -> None:
    async with make(config_for(replicas)) as db:
        assert (await db.get(Place, "place-1")).region == "eu-west-1"
        assert {place.region for place in await db.batch_get(Place, PLACES)} == {"eu-west-1"}
        assert {place.region for place in await db.query(Place).where("country", "=", "no").all()} == {
            "eu-west-1"
        }
        assert (await db.get(Place, "place-1", consistent=True)).region == "us-east-1"
        (found,) = await db.transact_get([(Place, "place-1")])
        assert found.region == "us-east-1"
        await db.put(Place(name="new"))
        assert await db.get(Place, "new") is None
        assert await db.get(Place, "new", consistent=True) == Place(name="new")


async def test_no_read_is_lost_when_the_nearest_region_stops_and_it_is_used_again_when_it_is_back(
    make: Callable[..., Any], replicas: dict[str, RunningEngine]
) -> None:
    near = replicas["eu-west-1"]
    changes: list[RegionChanged] = []

    def observe(event: Any) -> None:
        if isinstance(event, RegionChanged):
            changes.append(event)

    config = config_for(replicas)
    async with make(config, observers=[observe]) as db:
        sources, longest = [], 0.0
        for number in range(300):
            if number == 100:
                near.stop()
            began = monotonic()
            place = await db.get(Place, PLACES[number % len(PLACES)])
            longest = max(longest, monotonic() - began)
            sources.append(place.region)
        assert set(sources[:100]) == {"eu-west-1"}
        assert set(sources[100:]) == {"us-east-1"}
        assert [change.region for change in changes] == ["eu-west-1"]
        assert longest < 10 * config.failover_seconds
        with start("dynoxide", port=near.port) as back:
            replicas["eu-west-1"] = back
            fill(replicas, "eu-west-1")
            await asyncio.sleep(REST_SECONDS)
            assert (await db.get(Place, "place-3")).region == "eu-west-1"


async def test_a_region_that_hangs_costs_one_call_the_patience_and_the_following_ones_nothing(
    make: Callable[..., Any], replicas: dict[str, RunningEngine]
) -> None:
    with FaultServer([slow(30)] * 20) as hanging:
        config = at(replicas["us-east-1"]).replace(
            region_name="us-east-1", regions=(Region("eu-west-1", hanging.url),), failover_seconds=0.3
        )
        async with make(config) as db:
            times = []
            for name in PLACES[:10]:
                began = monotonic()
                assert (await db.get(Place, name)).region == "us-east-1"
                times.append(monotonic() - began)
    assert times[0] >= config.failover_seconds
    assert sum(times[1:]) < times[0]


async def test_writes_wait_for_home_unless_they_may_go_elsewhere(
    make: Callable[..., Any], replicas: dict[str, RunningEngine]
) -> None:
    replicas["us-east-1"].stop()
    async with make(config_for(replicas, retries=1)) as db:
        with pytest.raises(ConnectionError):
            await db.put(Place(name="new"))
        assert (await db.get(Place, "place-2")).region == "eu-west-1"
    async with make(config_for(replicas, write_failover=True)) as db:
        await db.put(Place(name="new"))
        assert await db.get(Place, "new") == Place(name="new")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"regions": ["eu-west-9x"]}, "'eu-west-9x' is not an AWS Region"),
        ({"regions": ["eu-west-1", "eu-west-1"]}, "eu-west-1 stands there more than once"),
        ({"regions": [5]}, "5 is no Region"),
        ({"regions": [Region("eu-west-1", "ftp://x")]}, "allowed is http"),
        ({"failover_seconds": 0}, "greater than 0"),
    ],
)
def test_wrong_settings_are_refused(settings: Any, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        DynamoDBConfig(**settings)


def test_configs_of_several_regions_share_nothing(replicas: dict[str, RunningEngine]) -> None:
    here, there = (at(engine).replace(region_name=name) for name, engine in replicas.items())
    with DynamoDB(here) as one, DynamoDB(there) as other:
        one.put(Place(name="only-here"))
        assert other.get(Place, "only-here") is None
        assert one.get(Place, "only-here") == Place(name="only-here")
