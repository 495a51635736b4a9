"""What all tests share: real engines, a config of its own for each test, and scenarios on both faces.

Tests that ask for `engine`, `config`, `tables`, `face` or a boto3 fixture run once for each engine, and those
that ask for `face` once for each face. `--engines=dynoxide` takes one engine only. Tests that repeat a
scenario with many seeds or items take some of them; `--full` takes all. A module that is not about the engine
has `ENGINES = ("dynoxide",)`.

A scenario is written once, as a coroutine; on the blocking face each call runs at once and is only awaited:

    async def test_what_was_created_is_read(face, tables):
        tables(PipelineConfig)
        await face(PipelineConfigWriteApi).create_pipeline(dto)
        assert (await face(PipelineConfigReadApi).get_by_id("p1")).pipeline_id == "p1"
"""

from __future__ import annotations

import gc
import importlib
import os
import signal
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import AsyncExitStack, ExitStack
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings
from tests.support.redis_server import RedisServer

from dynamodb_wrapper.local import EngineError, RunningEngine, start

if TYPE_CHECKING:
    from dynamodb_wrapper.config import DynamoDBConfig

# A busy machine is slow, not wrong.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("full", settings.get_profile("patient"), max_examples=2000)
settings.load_profile("patient")

ENGINES = ("dynoxide", "dynamodb-local")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--engines", default=None, help=f"engines to test on (default: {','.join(ENGINES)})")
    parser.addoption("--full", action="store_true", help="all seeds and items of the tests that take some")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "seeds(usual, full): run for so many values of `seed`, or of --full")
    if config.getoption("full"):
        settings.load_profile("full")
    # Whoever starts the tests in the background may ignore signals, which child processes would inherit.
    for name, handler in (("SIGINT", signal.default_int_handler), ("SIGHUP", signal.SIG_DFL)):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, handler)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    # Tests and modules stay until the end: the garbage collector need not look at them again and again.
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "dynamodb_engine" in metafunc.fixturenames:
        chosen = metafunc.config.getoption("engines")
        names = chosen.split(",") if chosen else getattr(metafunc.module, "ENGINES", ENGINES)
        metafunc.parametrize("dynamodb_engine", names, indirect=True, scope="session")
    if (marker := metafunc.definition.get_closest_marker("seeds")) is not None:
        usual, full = marker.args
        metafunc.parametrize("seed", range(full if metafunc.config.getoption("full") else usual))


@pytest.fixture(scope="session")
def full(pytestconfig: pytest.Config) -> bool:
    """Whether everything is tested that the usual run takes a part of."""
    return bool(pytestconfig.getoption("full"))


@pytest.fixture(scope="session")
def _started(pytestconfig: pytest.Config) -> Iterator[Callable[[str], RunningEngine]]:
    """Starts each engine when it is first asked for and keeps it: both live side by side."""
    running: dict[str, RunningEngine] = {}
    must_run = pytestconfig.getoption("engines") or "CI" in os.environ
    with ExitStack() as stack:

        def get(name: str) -> RunningEngine:
            if name not in running:
                try:
                    running[name] = stack.enter_context(start(name))  # type: ignore[arg-type]
                except EngineError as error:
                    if must_run or error.retryable:
                        raise
                    pytest.skip(error.message)
            return running[name]

        yield get


@pytest.fixture(scope="session")
def dynamodb_engine(
    request: pytest.FixtureRequest, _started: Callable[[str], RunningEngine]
) -> RunningEngine:
    """One of the engines; stands in for the plugin's, so that the plugin's own fixtures use it too."""
    return _started(request.param)


@pytest.fixture(scope="session")
def engine(dynamodb_engine: RunningEngine) -> RunningEngine:
    """One of the engines, running."""
    return dynamodb_engine


@pytest.fixture
def config(dynamodb_config: DynamoDBConfig) -> DynamoDBConfig:
    """A config for the engine; its table prefix belongs to this test alone."""
    return dynamodb_config


@pytest.fixture
def environment(config: DynamoDBConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    """The config of the test in the environment, for commands and for other processes."""
    monkeypatch.setenv("DYNAMODB_ENDPOINT_URL", str(config.endpoint_url))
    monkeypatch.setenv("DYNAMODB_TABLE_PREFIX", config.table_prefix)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "local")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "local")


@pytest.fixture
def environment_of_runs(environment: None, tables: Callable[..., list[str]]) -> None:
    """As `environment`, and the tables that a run needs."""
    from dynamodb_wrapper.models import PipelineConfig, PipelineRunLog

    tables(PipelineRunLog, PipelineConfig)


@pytest.fixture
def tables(dynamodb_tables: Callable[..., list[str]]) -> Callable[..., list[str]]:
    """`tables(Model, ...)` makes empty tables and returns their full names."""
    return dynamodb_tables


@pytest.fixture
def lasting_tables(tables: Callable[..., list[str]], boto3_client: Any) -> Callable[..., None]:
    """As `tables`, but the engine leaves expired items: DynamoDB Local removes them within seconds."""

    def make(*models: Any) -> None:
        for name, model in zip(tables(*models), models, strict=True):
            switch = {"Enabled": False, "AttributeName": model.Meta.ttl}
            boto3_client.update_time_to_live(TableName=name, TimeToLiveSpecification=switch)

    return make


class Settled:
    """What a blocking call gave or raised, to be awaited, iterated with `async for`, or chained from."""

    def __init__(self, call: Callable[[], Any]) -> None:
        self._error: Exception | None = None
        self._value: Any = None
        try:
            self._value = call()
        except Exception as error:
            self._error = error

    def _get(self) -> Any:
        if self._error is not None:
            raise self._error
        return self._value

    def __await__(self) -> Generator[Any, Any, Any]:
        async def settled() -> Any:
            return self._get()

        return settled().__await__()

    async def __aiter__(self) -> AsyncIterator[Any]:
        for item in self._get():
            yield item

    def __getattr__(self, name: str) -> Any:
        return getattr(AwaitableFace(self._get()), name)


class AwaitableFace:
    """A blocking object whose methods may be awaited: they have run when they return."""

    def __init__(self, blocking: Any) -> None:
        self._blocking = blocking

    def __getattr__(self, name: str) -> Any:
        member = getattr(self._blocking, name)
        if not callable(member):
            return member
        return lambda *args, **kwargs: Settled(lambda: member(*args, **kwargs))

    async def __aiter__(self) -> AsyncIterator[Any]:
        for item in self._blocking:
            yield item

    async def __aenter__(self) -> AwaitableFace:
        return AwaitableFace(self._blocking.__enter__())

    async def __aexit__(self, *error: Any) -> Any:
        return self._blocking.__exit__(*error)


class Face:
    """Makes objects of one face: `face(PipelineConfigReadApi)` is that API, or its async twin.

    Attributes:
        name: "sync" or "async".
        config: the config that objects are made with unless another is given.
    """

    def __init__(self, name: str, config: DynamoDBConfig, stack: AsyncExitStack) -> None:
        self.name = name
        self.config = config
        self._stack = stack

    def __call__(self, blocking: type, config: DynamoDBConfig | None = None, **options: Any) -> Any:
        """Return an object of that blocking class or of `Async` + its name; it is closed after the test.

        Parameters:
            blocking: a class of the blocking face that is made from a config and is a context manager.
            config: in place of the test's own.
            options: further arguments of the class, for both faces alike.
        """
        if self.name == "sync":
            made = blocking(config or self.config, **options)
            self._stack.push(made)
            return AwaitableFace(made)
        name = f"Async{blocking.__name__}"
        home = importlib.import_module(blocking.__module__)
        if not hasattr(home, name):  # a module for each face: their package has both
            home = importlib.import_module(blocking.__module__.rpartition(".")[0])
        twin = getattr(home, name)
        made = twin(config or self.config, **options)
        self._stack.push_async_exit(made)
        return made


@pytest.fixture(params=["sync", "async"])
async def face(request: pytest.FixtureRequest, config: DynamoDBConfig) -> AsyncIterator[Face]:
    """The blocking face or the awaiting one."""
    async with AsyncExitStack() as stack:
        yield Face(request.param, config, stack)


@pytest.fixture(scope="session")
def botocore_data() -> Iterator[None]:
    """All users of botocore share what is read from its data files, of which each would read its own."""
    import botocore.loaders
    import botocore.session

    with pytest.MonkeyPatch.context() as patch:
        shared = cache(botocore.loaders.create_loader)
        for module in (botocore.loaders, botocore.session):
            patch.setattr(module, "create_loader", shared)
        yield


@pytest.fixture(scope="session")
def _boto3_session() -> Any:
    import boto3

    return boto3.Session(aws_access_key_id="local", aws_secret_access_key="local", region_name="us-east-1")


@pytest.fixture(scope="session")
def boto3_client(_boto3_session: Any, engine: RunningEngine) -> Iterator[Any]:
    """boto3's client on the engine: the oracle of what is stored."""
    client = _boto3_session.client("dynamodb", endpoint_url=engine.endpoint_url)
    yield client
    client.close()


@pytest.fixture(scope="session")
def boto3_table(_boto3_session: Any, engine: RunningEngine) -> Iterator[Callable[[str], Any]]:
    """`boto3_table(full_name)` is boto3's Table resource on the engine."""
    resource = _boto3_session.resource("dynamodb", endpoint_url=engine.endpoint_url)
    yield resource.Table
    resource.meta.client.close()


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A real Redis; tests that kill it start one of their own."""
    if reason := RedisServer.missing():
        if "CI" in os.environ:
            pytest.fail(reason)
        pytest.skip(reason)
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.kill()
