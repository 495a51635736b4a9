"""The clients over a transport of one's own: what is sent, what is observed, what can be built in."""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import BaseModel

from dynamodb_wrapper.client import AsyncDynamoDB, DynamoDB, Requests
from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.engine.events import AttemptEnded, CallStarted, Event, OperationStarted, Retrying
from dynamodb_wrapper.engine.flow import Call, Do, Flow, Reply, Send, Together
from dynamodb_wrapper.engine.plugins import Plugin
from dynamodb_wrapper.exceptions import MetaError, RetryableError, ValidationError


class Note(BaseModel):
    key: str
    text: str = ""

    class Meta:
        table_name = "notes"
        partition_key = "key"


class Nameless(BaseModel):
    key: str

    class Meta:
        partition_key = "key"


CONFIG = DynamoDBConfig(
    aws_access_key_id="AKID",
    aws_secret_access_key="SECRET",
    aws_session_token=None,
    profile_name=None,
    region_name="us-east-1",
    endpoint_url=None,
    table_prefix="test_",
    retries=3,
    timeout_seconds=9.0,
)


class Answers:
    """A transport that answers from a script."""

    def __init__(self, *script: Any) -> None:
        self.script = list(script)
        self.calls: list[tuple[Call, float]] = []

    def __call__(self, call: Call, deadline: float) -> bytes:
        self.calls.append((call, deadline))
        answer = self.script.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return json.dumps(answer).encode()

    async def awaited(self, call: Call, deadline: float) -> bytes:
        await asyncio.sleep(0)
        return self(call, deadline)


@pytest.fixture(params=["sync", "async"])
def ask(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """`ask(answers, use, **options)` gives what `use(client)` gives, on either face."""

    def sync(
        answers: Answers, use: Callable[[Any], Any], config: DynamoDBConfig = CONFIG, **options: Any
    ) -> Any:
        with DynamoDB(config, transport=answers, **options) as db:
            return use(db)

    def awaiting(
        answers: Answers, use: Callable[[Any], Any], config: DynamoDBConfig = CONFIG, **options: Any
    ) -> Any:
        async def main() -> Any:
            async with AsyncDynamoDB(config, transport=answers.awaited, **options) as db:
                return await use(db)

        return asyncio.run(main())

    return sync if request.param == "sync" else awaiting


def test_a_call_goes_to_the_transport_with_its_deadline(ask: Callable[..., Any]) -> None:
    answers = Answers({"Item": {"key": {"S": "a"}, "text": {"S": "hello"}}})
    before = time.monotonic()
    assert ask(answers, lambda db: db.get(Note, "a")) == Note(key="a", text="hello")
    ((call, deadline),) = answers.calls
    assert (call.action, call.table) == ("GetItem", "test_notes")
    assert before + 9 <= deadline <= time.monotonic() + 9


def test_failures_that_pass_are_retried_as_often_as_the_config_says(ask: Callable[..., Any]) -> None:
    answers = Answers(RetryableError("1"), RetryableError("2"), {})
    assert ask(answers, lambda db: db.get(Note, "a")) is None
    answers = Answers(*[RetryableError(str(number)) for number in range(1, 5)])
    with pytest.raises(RetryableError, match="3"):
        ask(answers, lambda db: db.get(Note, "a"))


def test_observers_are_told_of_the_operation_its_calls_and_every_attempt(ask: Callable[..., Any]) -> None:
    events: list[Event] = []
    answers = Answers(RetryableError("1"), {})
    ask(answers, lambda db: db.get(Note, "a"), observers=[events.append])
    operation, call, failed, retrying, answered = events
    assert isinstance(operation, OperationStarted)
    assert (operation.name, operation.owner.removeprefix("Async")) == ("get", "DynamoDB")
    assert isinstance(call, CallStarted)
    assert isinstance(failed, AttemptEnded)
    assert failed.error is not None
    assert isinstance(retrying, Retrying)
    assert (retrying.attempt, retrying.error) == (1, failed.error)
    assert isinstance(answered, AttemptEnded)
    assert (answered.error, answered.reply) == (None, b"{}")


class Passing(Plugin):
    """Notes what passes it."""

    version = "1.0"

    def __init__(self, name: str, log: list[str]) -> None:
        self.name = name
        self.log = log
        self.layers = [self.around_call]
        self.attempts = [self.around_attempt]

    def around_call(self, send: Send, call: Call) -> Flow[Reply]:
        self.log.append(f"{self.name} call")
        return (yield from send(call))

    def around_attempt(self, send: Send, call: Call) -> Flow[Reply]:
        self.log.append(f"{self.name} attempt")
        return (yield from send(call))


class Watching(Plugin):
    """Notes the events it is told of."""

    name, version = "watching", "1.0"

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.observers = [self.events.append]


def test_layers_of_plugins_stand_in_the_order_of_use_around_the_call_and_around_each_attempt(
    ask: Callable[..., Any],
) -> None:
    log: list[str] = []
    answers = Answers(RetryableError("1"), {})
    ask(answers, lambda db: db.use(Passing("a", log)).use(Passing("b", log)).get(Note, "x"))
    assert log == ["a call", "b call", "a attempt", "b attempt", "a attempt", "b attempt"]


def test_plugins_of_the_config_are_used_by_every_client(ask: Callable[..., Any]) -> None:
    log: list[str] = []
    config = CONFIG.replace(plugins=(Passing("a", log),))
    ask(Answers({}), lambda db: db.get(Note, "x"), config)
    ask(Answers({}), lambda db: db.get(Note, "x"), config)
    assert log == ["a call", "a attempt"] * 2


def test_a_layer_that_comes_after_the_first_call_is_refused() -> None:
    log: list[str] = []
    with DynamoDB(CONFIG, transport=Answers({}, {})) as db:
        db.get(Note, "x")
        with pytest.raises(ValidationError, match="'a' comes too late"):
            db.use(Passing("a", log))
        assert db.plugins == ()
        db.get(Note, "x")
    assert log == []


def test_an_observer_may_come_at_any_time() -> None:
    watching = Watching()
    with DynamoDB(CONFIG, transport=Answers({}, {})) as db:
        db.get(Note, "x")
        db.use(watching).get(Note, "x")
    assert [type(event) for event in watching.events] == [OperationStarted, CallStarted, AttemptEnded]


def test_debug_logging_logs_calls_without_their_values(
    ask: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "dynamodb_wrapper"):
        debugged = CONFIG.model_copy(update={"debug_logging": True})
        ask(Answers({}), lambda db: db.put(Note(key="a", text="hidden")), debugged)
    (said,) = [record.message for record in caplog.records if record.name.startswith("dynamodb_wrapper")]
    assert re.fullmatch(r"PutItem test_notes [0-9.]+ ms 2 bytes", said)


def test_nothing_is_logged_unless_it_is_asked_for(
    ask: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "dynamodb_wrapper"):
        ask(Answers({}), lambda db: db.get(Note, "a"))
    assert caplog.text == ""


def test_a_model_without_a_table_name_is_refused_before_anything_is_sent(ask: Callable[..., Any]) -> None:
    answers = Answers()
    with pytest.raises(MetaError, match=r"Nameless.Meta has no table_name"):
        ask(answers, lambda db: db.get(Nameless, "a"))
    assert answers.calls == []


def test_a_key_that_is_wrong_is_refused_before_anything_is_sent(ask: Callable[..., Any]) -> None:
    answers = Answers()
    for use in (
        lambda db: db.get(Note, ""),
        lambda db: db.delete(Note, {"id": "a"}),
        lambda db: db.update(Note, "", {"text": "x"}),
        lambda db: db.batch_get(Note, ["a", ""]),
        lambda db: db.batch_write(Note, puts=[Note(key="a"), Note(key="")]),
        lambda db: db.put(Note(key="")),
    ):
        with pytest.raises(ValidationError, match=r"key"):
            ask(answers, use)
    assert answers.calls == []


def test_a_transport_of_one_s_own_is_not_used_after_closing() -> None:
    answers = Answers({}, {})
    db = DynamoDB(CONFIG, transport=answers)
    db.get(Note, "a")
    db.close()
    with pytest.raises(ValidationError, match="closed"):
        db.get(Note, "a")
    assert len(answers.calls) == 1


async def test_a_function_that_a_flow_calls_may_be_awaitable_on_the_awaiting_face() -> None:
    def blocking() -> int:
        return 1

    async def awaitable() -> int:
        await asyncio.sleep(0)
        return 2

    def flow(*functions: Callable[[], Any]) -> Flow[list[int]]:
        results = []
        for function in functions:
            results.append((yield Do(function)))
        return results

    assert DynamoDB(CONFIG, transport=Answers()).drive(flow(blocking)) == [1]
    awaiting = AsyncDynamoDB(CONFIG, transport=Answers().awaited)
    assert await awaiting.drive(flow(blocking, awaitable)) == [1, 2]


def test_flows_together_may_go_together_again(ask: Callable[..., Any]) -> None:
    def leaf(number: int) -> Flow[int]:
        return (yield Do(lambda: number))  # type: ignore[no-any-return]

    def branch(number: int) -> Flow[list[int]]:
        return (yield Together([leaf(number * 10 + digit) for digit in range(5)], limit=2))  # type: ignore[no-any-return]

    def tree() -> Flow[list[list[int]]]:
        return (yield Together([branch(number) for number in range(5)], limit=2))  # type: ignore[no-any-return]

    expected = [[number * 10 + digit for digit in range(5)] for number in range(5)]
    assert ask(Answers(), lambda db: db.drive(tree())) == expected


def test_both_faces_offer_the_same_with_the_same_documentation() -> None:
    names = [name for name in vars(Requests) if not name.startswith("_") and name not in ("config", "send")]
    assert {"get", "put", "update", "delete", "batch_get", "batch_write", "create_table"} <= set(names)
    for name in names:
        sync, awaiting = getattr(DynamoDB, name), getattr(AsyncDynamoDB, name)
        assert inspect.signature(sync) == inspect.signature(awaiting)
        assert sync.__doc__ == awaiting.__doc__
        if name != "table_name":
            assert inspect.iscoroutinefunction(awaiting)
            assert not inspect.iscoroutinefunction(sync)


def test_the_config_is_read_from_the_environment_where_none_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DYNAMODB_TABLE_PREFIX", "from_env_")
    with DynamoDB(transport=Answers()) as db:
        assert db.table_name(Note) == "from_env_notes"
    assert AsyncDynamoDB(transport=Answers().awaited).table_name(Note) == "from_env_notes"
