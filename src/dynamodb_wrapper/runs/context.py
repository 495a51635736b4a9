"""A run of a pipeline as a block: `with pipeline_run(...)` or `async with async_pipeline_run(...)`.

Knows how the block of a run begins and ends. Must not know what a run records (`recorder`), nor what runs in
it.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, TypeVar

from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.runs.interrupt import Interrupted, Interrupts
from dynamodb_wrapper.runs.outcome import outcome_of
from dynamodb_wrapper.runs.recorder import (
    HEARTBEAT_SECONDS,
    LEASE_SECONDS,
    Recorder,
    Wanted,
    begin,
    tell,
)
from dynamodb_wrapper.runs.stage import Stage
from dynamodb_wrapper.runs.watcher import RunWatcher

R = TypeVar("R", bound="Run")

LOOP_SIGNALS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
"""What cancels the task of a run; Ctrl-C does so already (`asyncio.Runner`)."""


class Run(Recorder):
    """A run, as its block sees it; as a text it is the run's id."""

    @contextmanager
    def stage(self, name: str) -> Iterator[Stage]:
        """A stage of the run: it is logged as running, and as it ended when the block ends.

        Raises:
            RunLostError: the run was closed or taken over by someone else.
        """
        stage = self._begin_stage(name)
        try:
            self._flush()
            yield stage
        except BaseException as error:
            self._end_stage(stage, error)
            self._flush(check=False)
            raise
        self._end_stage(stage, None)
        self._flush()


class AsyncRun(Recorder):
    """The awaiting twin of `Run`; a thread writes, so that a busy event loop does not lose the run."""

    @asynccontextmanager
    async def stage(self, name: str) -> AsyncIterator[Stage]:
        """As `Run.stage`, for `async with`."""
        stage = self._begin_stage(name)
        try:
            await asyncio.to_thread(self._flush)
            yield stage
        except BaseException as error:
            self._end_stage(stage, error)
            raise
        self._end_stage(stage, None)
        await asyncio.to_thread(self._flush)


@contextmanager
def pipeline_run(
    pipeline_id: str,
    trigger_type: str = "manual",
    created_by: str | None = None,
    *,
    config: DynamoDBConfig | None = None,
    run_id: str | None = None,
    heartbeat_seconds: float = HEARTBEAT_SECONDS,
    lease_seconds: float = LEASE_SECONDS,
    watchers: Sequence[RunWatcher] = (),
    **fields: Any,
) -> Iterator[Run]:
    """Log a run of a pipeline while the block runs, and how the block ended.

    success: it ended well. failed: it raised; message, end of the trace and Spark's error class are kept.
    cancelled: Ctrl-C, SIGTERM or SIGHUP came. The log is written beside the pipeline: where it cannot be, a
    warning is logged, the pipeline goes on, and what is missing is written when that is possible again.

    Parameters:
        pipeline_id: the pipeline. Its stored configuration is kept with the run, without what looks secret.
        trigger_type: manual, schedule, event, dependency, api, retry or spark.
        created_by: who started it.
        config: the settings; read from the environment where none are given.
        run_id: the run's id; a UUID of version 7 where none is given.
        heartbeat_seconds: how often the run gives a sign of life, and notices that it was cancelled.
        lease_seconds: after how many seconds of silence others may take it for lost.
        watchers: told of what happens to the run.
        fields: further fields of `PipelineRunLogUpsert`, such as `tags` or `environment`.

    Raises:
        ValidationError: an argument is wrong; nothing has run.
        RunLostError: someone else closed the run, such as by cancelling it, or took it over.
    """
    wanted = Wanted(
        pipeline_id, trigger_type, created_by, run_id, heartbeat_seconds, lease_seconds, watchers, fields
    )
    with run_block(Run, wanted, config) as run:
        yield run


@contextmanager
def run_block(kind: type[R], wanted: Wanted, config: DynamoDBConfig | None) -> Iterator[R]:
    """The block of a run of that kind; see `pipeline_run`."""
    interrupts = Interrupts(lambda: tell(wanted.watchers, wanted.run_id, "interrupted"))
    with interrupts.listening():
        run = begin(kind, wanted, config)
        try:
            yield run
        except BaseException as error:
            with interrupts.shield():
                run.finish(outcome_of(error))
            if (lost := run.lost) is not None:
                raise lost from error
            if isinstance(error, Interrupted) and error.signal_name != "SIGINT":
                raise SystemExit(128 + signal.Signals[error.signal_name]) from error
            raise
        with interrupts.shield():
            run.finish(outcome_of(None))
        if (lost := run.lost) is not None:
            raise lost


@asynccontextmanager
async def async_pipeline_run(
    pipeline_id: str,
    trigger_type: str = "manual",
    created_by: str | None = None,
    *,
    config: DynamoDBConfig | None = None,
    run_id: str | None = None,
    heartbeat_seconds: float = HEARTBEAT_SECONDS,
    lease_seconds: float = LEASE_SECONDS,
    watchers: Sequence[RunWatcher] = (),
    **fields: Any,
) -> AsyncIterator[AsyncRun]:
    """The awaiting twin of `pipeline_run`: a task that is cancelled, also by a signal, is a cancelled run."""
    wanted = Wanted(
        pipeline_id, trigger_type, created_by, run_id, heartbeat_seconds, lease_seconds, watchers, fields
    )
    signals = _Signals()
    with signals.listening():
        beginning = asyncio.ensure_future(asyncio.to_thread(begin, AsyncRun, wanted, config))
        try:
            run = await asyncio.shield(beginning)
        except asyncio.CancelledError as error:
            await _settled(beginning)
            if beginning.exception() is None:
                await _finished(beginning.result(), outcome_of(error, signals.name))
            raise
        try:
            yield run
        except BaseException as error:
            await _finished(run, outcome_of(error, signals.name))
            if (lost := run.lost) is not None:
                raise lost from error
            raise
        await _finished(run, outcome_of(None))
        if (lost := run.lost) is not None:
            raise lost


class _Signals:
    """Cancels the task that listens when a signal comes, and remembers its name."""

    name: str | None = None

    @contextmanager
    def listening(self) -> Iterator[None]:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None, "a coroutine runs in a task"
        heard: list[signal.Signals] = []

        def cancel(number: signal.Signals) -> None:
            self.name = number.name
            task.cancel(f"interrupted by {number.name}")

        for number in LOOP_SIGNALS:
            if signal.getsignal(number) is signal.SIG_IGN:
                continue
            try:
                loop.add_signal_handler(number, cancel, number)
            except (NotImplementedError, RuntimeError, ValueError):  # Windows, or not the main thread
                continue
            heard.append(number)
        try:
            yield
        finally:
            for number in heard:
                loop.remove_signal_handler(number)


async def _finished(run: AsyncRun, outcome: Any) -> None:
    """Finish a run, however often the task is cancelled meanwhile."""
    writing = asyncio.ensure_future(asyncio.to_thread(run.finish, outcome))
    await _settled(writing)
    writing.result()


async def _settled(job: asyncio.Future[Any]) -> None:
    while not job.done():
        with suppress(asyncio.CancelledError):
            await asyncio.wait([job])
