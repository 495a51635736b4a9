"""The examples run as their readers run them, and print what they promise."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.redis_server import RedisServer

from dynamodb_wrapper.local import EngineError, RunningEngine, start

HOME = Path(__file__).parents[2]
CACHE_IN_REDIS = (
    "another process reads 100 items with 0 calls",
    "50 changes were seen, with 0 calls",
)
EXPECTED = {
    "async_usage.py": [
        "10 of 20 active pipelines are in production",
        "two creates of one id at once: 1 success, 1 conflict",
        "10 stages were added at once, none was lost",
        "successful runs: run-1",
    ],
    "basic_usage.py": [
        "a second create is refused: daily-sales was made by ada",
        "daily-sales runs on 4 cores; still created by ada",
        "active pipelines: 0",
        "fetched only is_active, pipeline_id, pipeline_name: Daily sales",
        "sources: customers, orders",
        "page of runs: run-3 success, run-2 failed",
        "page of runs: run-1 success",
        "failed: run-2, because the warehouse was away",
        "3 runs, 67% succeeded",
    ],
    "encryption.py": [
        "stored: {'diagnosis': '133 bytes', 'email': '140 bytes', 'email_bidx': '16 bytes', "
        "'patient_id': 'p1', 'ward': 'A'}",
        "1@example.org: [('p1', 'healthy'), ('p3', 'case 3')]",
        "refused: diagnosis is encrypted: it can be asked whether it exists",
        "moved: diagnosis of {'patient_id': 'p0'}",
        "rotated 5 of 5, 0 failed",
        "with the new key alone: patient_id='p0' ward='A' diagnosis='written anew' email='0@example.org'",
    ],
    "cache.py": [
        "a hit costs less than a third of a call's CPU: True",
        "200 threads, 1 call",
        "200 tasks, 1 call",
        *(CACHE_IN_REDIS if RedisServer.missing() is None else ()),
    ],
    "gateway_usage.py": [
        "updated: status late, runs 1",
        "not deleted: it has run 1 time",
        "60 of 120 keys exist",
        "cancelled: None, ConditionalCheckFailed",
        "refused: {'Item.seen': ['not in UTC']}",
    ],
    "observability.py": [
        "in Oslo: 60",
        "log: INFO update item_not_found",
        'dynamodb_attempts_total{action="BatchWriteItem",table="seen_parcels"} 3.0',
        'dynamodb_items_total{action="Query",table="seen_parcels"} 60.0',
        'dynamodb_consumed_read_units_total{index="ByCity",table="seen_parcels"} 0.5',
        "span: BatchWriteItem seen_parcels: ok, 0 attempts, 3 links",
        "span: Query seen_parcels: ok, 1 attempts, 0 links",
        "span: UpdateItem seen_parcels: item_not_found, 1 attempts, 0 links",
    ],
    "own_domain.py": [
        "conflict: 9780000000001 is 'Time' already",
        "not found: 9789999999999",
        "page: Volume 2 2, Volume 3 3, Volume 4 4, Volume 5 5",
        "page: Volume 6 6, A Brief History 12.5",
        "6 books on the shelf",
        "deleted: True, again: False",
    ],
    "products.py": [
        "one item: 2 True True",
        "by their keys: Product 7, none, Product 3",
        "query on shop_products, index ByCategory",
        "  key       category = 'electronics' AND price < 1000",
        "a page, 13 products: Product 0 to Product 24",
        "pages of 8: 8 and 5, and there is nothing after",
        "back again: True",
        "the dearest book: Product 59",
        "30 books; 20 of them in stock",
        "labels: Product 1 40, Product 3 120",
        "of both categories by price: p56, p57, p58, p59",
        "which cost 2 requests for 4 items",
        'refused; an index would help: GSI("ByStock", "stock"),',
        "all of it: True True",
        "nothing of it: True ['None', 'ConditionalCheckFailed']",
        "awaited: ['p52', 'p54', 'p56', 'p58'] 4",
    ],
    "resilience.py": [
        "plain: 76 acknowledged, 24 unknown, 100 stored",
        "safe: 100 acknowledged, 0 unknown, 100 stored",
        "the breaker is open",
        "5 requests failed, then none was sent",
        "the breaker is closed",
        "it is back: True",
    ],
    "timezone_usage.py": [
        "stored: 2024-03-10T07:30:00.000000+00:00",
        "read:   2024-03-10 07:30:00+00:00 and 2024-03-10 08:30:00+01:00",
        "as set: 2024-03-10 03:30:00-04:00",
        "07:30 UTC is 03:30 EDT",
        "named:   2024-07-01 00:00:00+00:00",
        "in V1:  run-2 2024-03-10 13:15:00+05:30, run-1 2024-03-10 13:00:00+05:30",
        "users:  08:30, 16:30, 18:30 and here UTC",
        "moved:   2024-03-10 03:30:00-04:00",
        "twice:   2024-11-03 01:30:00-04:00 and 2024-11-03 01:30:00-05:00, 1:00:00 later",
        "text:    2024-07-01T00:00:00.000000+00:00",
    ],
    "v1_usage.py": [
        "exists: p1, Pipeline 1",
        "active: p1, p3",
        "of prod: 3",
        "missing: None",
        "missing: {'pipeline_id': 'p9'}",
        "sources: [('orders', 1200)]",
        "stored: 2026-07-01 00:00:00+00:00, 1800 s, stages ['load']",
        "shown:  2026-07-01 02:00:00+02:00",
        "log: update v1_dashboards 1",
        "name='sales' charts=['by day', 'by hour'] remark='stays'",
        "deleted: True, left: []",
    ],
}


@pytest.fixture(scope="module")
def dynoxide() -> Iterator[RunningEngine]:
    try:
        engine = start("dynoxide")
    except EngineError as error:
        if "CI" in os.environ or error.retryable:
            raise
        pytest.skip(error.message)
    with engine:
        yield engine


def output(name: str, **environment: str) -> str:
    """What an example prints; it has to end well and without a warning."""
    kept = {key: text for key, text in os.environ.items() if not key.startswith(("AWS_", "DYNAMODB_"))}
    done = subprocess.run(
        [sys.executable, "-W", "error", HOME / "examples" / name],
        env=kept | {"PYTHONPATH": str(HOME / "src")} | environment,
        capture_output=True,
        text=True,
        timeout=90,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    return done.stdout


def test_every_example_has_its_expected_lines() -> None:
    with_spark = {"spark_connector.py"}  # tests/spark runs it, in the session that is there
    assert {path.name for path in (HOME / "examples").glob("*.py")} == EXPECTED.keys() | with_spark


@pytest.mark.parametrize("name", EXPECTED)
def test_an_example_prints_what_it_promises_and_can_be_run_again(name: str, dynoxide: RunningEngine) -> None:
    first = output(name, DYNAMODB_ENDPOINT_URL=dynoxide.endpoint_url)
    missing = [line for line in EXPECTED[name] if line not in first.splitlines()]
    assert not missing, first
    assert output(name, DYNAMODB_ENDPOINT_URL=dynoxide.endpoint_url) == first


def test_the_cache_without_the_package_redis_says_so_first_and_ends(dynoxide: RunningEngine) -> None:
    program = (
        "import runpy, sys; sys.modules['redis'] = None; runpy.run_path(sys.argv.pop(1), run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, HOME / "examples" / "cache.py"],
        env=os.environ | {"DYNAMODB_ENDPOINT_URL": dynoxide.endpoint_url},
        capture_output=True,
        text=True,
        timeout=90,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0].endswith(
        "needs redis-server and pip install 'dynamodb-wrapper[redis]'"
    )


@pytest.mark.parametrize("name", EXPECTED)
def test_an_example_is_short(name: str) -> None:
    assert len((HOME / "examples" / name).read_text().splitlines()) <= 150


@pytest.mark.parametrize(
    "snippet",
    [
        "db.query(Product).where('category', '=', 'electronics').where(Product.price < 1000)"
        ".select('id', 'name', 'price').paginate(20).execute()",
        "books.order(ascending=False).first()",
        "db.query(Product).where('stock', '=', 2).all()",
        "books.count()",
        "for product in both)",
        "async for product in query]",
        "cheap.explain()",
        "db.transaction().put(item).update(Product, 'p01', {...}).delete(Product, 'p03')"
        ".check(Product, 'p05', ...).execute()",
        "DynamoDB(config).use(...)",
        "db.get(Product, ...)",
        "db.put(...)",
        "db.update(Product, ...)",
        "db.delete(Product, ...)",
        "db.batch_get(Product, ...)",
        "db.batch_write(Product, ...)",
        "db.create_table(Product)",
    ],
)
def test_the_general_client_is_shown_as_it_is_promised(snippet: str) -> None:
    """`...` stands for anything; how the example's lines are broken does not matter."""
    code = ast.unparse(ast.parse((HOME / "examples" / "products.py").read_text()))
    wanted = re.escape(snippet).replace(re.escape("..."), ".+?")
    assert re.search(wanted, code), snippet


@pytest.mark.usefixtures("dynoxide")
def test_an_example_starts_an_engine_of_its_own() -> None:
    assert output("own_domain.py").splitlines()[0] == EXPECTED["own_domain.py"][0]
