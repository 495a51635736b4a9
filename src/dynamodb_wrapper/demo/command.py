"""The command `dynamodb-wrapper demo`: its options, the engine it starts and stops, its exit status.

Knows options and engines. Must not know what the demo does; that is imported when the command runs.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from dynamodb_wrapper.local.engines import EngineChoice

if TYPE_CHECKING:
    from dynamodb_wrapper.local import RunningEngine
    from dynamodb_wrapper.runs.interrupt import Interrupts

LOOK = "then dynamodb-wrapper runs list, or runs show RUN"
LOCK = "demo.lock"  # two demonstrations in one folder go one after the other


def parse_months(text: str) -> list[int]:
    """The months that "1-3,7" names: 1, 2, 3 and 7, each once and in order.

    Raises:
        typer.BadParameter: the text is no such list, or a month is not in 1-12.
    """
    months: set[int] = set()
    for part in text.split(","):
        first, dash, last = (piece.strip() for piece in part.partition("-"))
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise typer.BadParameter(f"{text!r} is not a list of months such as 2, 1-12 or 1-3,7")
        found = range(int(first), int(last or first) + 1)
        if not found or found[0] < 1 or found[-1] > 12:
            raise typer.BadParameter(f"{part.strip()!r} is not within 1-12")
        months.update(found)
    return sorted(months)


def demo(
    data: Annotated[
        Path, typer.Option("--data", help="The folder that keeps the data.", file_okay=False)
    ] = Path(".demo"),
    engine: Annotated[
        EngineChoice, typer.Option(help="auto: the first of the others that can run here.")
    ] = EngineChoice.auto,
    months: Annotated[str, typer.Option(help="The months of 2013 to run: 2, 1-12 or 1-3,7.")] = "1-12",
    endpoint: Annotated[
        str | None, typer.Option(help="The URL of an engine that runs already, instead of --engine.")
    ] = None,
    spark: Annotated[bool, typer.Option("--spark", help="Run the stages on Spark; needs Java.")] = False,
) -> None:
    """Run a pipeline over the flights that left New York in 2013, then show what was logged and loaded."""
    wanted = parse_months(months)
    from dynamodb_wrapper.config import DynamoDBConfig
    from dynamodb_wrapper.demo.demonstration import Demonstration
    from dynamodb_wrapper.demo.flights import FlightFiles
    from dynamodb_wrapper.demo.report import NEW_YORK
    from dynamodb_wrapper.demo.spark import SparkDemonstration, missing
    from dynamodb_wrapper.display import Display
    from dynamodb_wrapper.runs.interrupt import Interrupted, Interrupts

    if spark and (reason := missing()):
        raise typer.BadParameter(reason)
    files = FlightFiles.installed()
    display = Display()
    interrupts = Interrupts()
    try:
        with interrupts.listening(), _engine(data, engine, endpoint, display.say) as (running, where, again):
            display.say(f"engine {running.name} at {running.endpoint_url}, {where}")
            config = DynamoDBConfig.for_local_development(
                endpoint_url=running.endpoint_url, user_timezone=NEW_YORK
            )
            shown = (
                SparkDemonstration(config, files, display, data)
                if spark
                else Demonstration(config, files, display)
            )
            with closing(shown), one_signal(interrupts):
                shown.run(wanted, alone=running.pid is not None)
        if again:
            display.say(f"\nto look at these runs: {again}")
    except Interrupted as error:
        for line in (str(error), *getattr(error, "__notes__", ())):
            display.say(line)
        raise typer.Exit(128 + signal.Signals[error.signal_name]) from None


@contextmanager
def one_signal(interrupts: Interrupts) -> Iterator[None]:
    """Ignore further signals once one has ended the block, so that nothing keeps it from being tidied up.

    Raises:
        Interrupted: a signal came, also where a run in the block heard it.
    """
    from dynamodb_wrapper.runs.interrupt import Interrupted

    try:
        yield
    except (Interrupted, SystemExit) as error:
        interrupts.ignore()
        if isinstance(error.__cause__, Interrupted):
            raise error.__cause__ from None
        raise


@contextmanager
def _engine(
    data: Path, choice: EngineChoice, endpoint: str | None, say: Callable[[str], None]
) -> Iterator[tuple[RunningEngine, str, str]]:
    """The engine to use, where its data are, and what to do to look at them afterwards, "" if they are gone.

    It is stopped at the end if it was started here.
    """
    from dynamodb_wrapper.local import attach, start
    from dynamodb_wrapper.local.engines import choose
    from dynamodb_wrapper.local.packages import locked
    from dynamodb_wrapper.local.running import prepare_data
    from dynamodb_wrapper.local.service import find

    background = find(data)
    if endpoint is not None:
        yield attach(endpoint), "which goes on afterwards", _exports(endpoint)
    elif background is not None:
        url = background.endpoint_url
        yield attach(url), f"which was started from {data} and goes on afterwards", _exports(url)
    else:
        chosen = choose(choice.value)
        if not chosen.keeps_data:
            with start(chosen.name) as running:
                yield running, "data in memory only", ""
            return
        prepare_data(chosen, data)
        waits = f"another demonstration is at work in {data}: waiting until it ends"
        with locked(data / LOCK, lambda: say(waits)), start(chosen.name, data) as running:
            begin = f"dynamodb-wrapper local start --engine {chosen.name} --data {quote(str(data))}"
            yield running, f"data in {data}", f"{begin}, the exports that it prints, {LOOK}"


def _exports(endpoint: str) -> str:
    return (
        f"export DYNAMODB_ENDPOINT_URL={endpoint} AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local, {LOOK}"
    )
