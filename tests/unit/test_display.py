from __future__ import annotations

import io

import pytest

from dynamodb_wrapper.display import Display, Section, plain

SECTION = Section(
    "Runs", ("month", ">flights", "why"), [("2013-01", "27,004", ""), ("2013-02", "9", "x" * 200)], "two runs"
)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_plain_columns_are_aligned_and_never_cut() -> None:
    assert plain(SECTION) == [
        "Runs",
        "  month    flights  why",
        "  2013-01   27,004",
        "  2013-02        9  " + "x" * 200,
        "  two runs",
    ]


def test_a_section_without_rows_has_its_heading() -> None:
    assert plain(Section("Failures", ("month", "reason"), [])) == ["Failures", "  month  reason"]


def test_a_stream_that_is_no_terminal_gets_plain_lines() -> None:
    stream = io.StringIO()
    display = Display(stream)
    with display.progress(2) as progress:
        progress.working_on("2013-01: join")
        progress.finished("2013-01  SUCCESS")
    display.show(SECTION)
    text = stream.getvalue()
    assert text.startswith("2013-01  SUCCESS\n\nRuns\n")
    assert "\x1b" not in text
    assert "join" not in text


def test_a_terminal_gets_colours_and_a_bar_that_names_the_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    stream = Terminal()
    display = Display(stream)
    with display.progress(2) as progress:
        progress.working_on("2013-01: join")
        progress.finished("2013-01  SUCCESS")
    display.show(SECTION)
    text = stream.getvalue()
    assert "\x1b[" in text
    assert "2013-01: join" in text
    assert "two runs" in text


def test_a_narrow_terminal_gets_every_letter_and_whole_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "50")
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    long = Section(
        "T", ("date", ">mean delay", ">bytes", "run"), [("2013-02-09", "58.31", "31,500,000", "x" * 50)]
    )
    Display(stream).show(long)
    text = stream.getvalue()
    assert "…" not in text
    assert text.count("x") == 50
    for whole in ("2013-02-09", "58.31", "31,500,000"):
        assert whole in text
