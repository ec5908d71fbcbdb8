import io
from pathlib import Path

import pytest

from fleetserve.supervisor.console import Console, seconds, shown_path


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class ClosedPipe(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError


def test_columns_line_up() -> None:
    stream = io.StringIO()
    console = Console(stream, colour=True)
    console.event("ready", "gateway", "http://127.0.0.1:8000", "1.2 s", colour="green")
    console.event("ready", "model-registry-worker", "", "10.0 s")
    console.event("FAIL", "audio-svc")
    assert stream.getvalue().splitlines() == [
        "  ready  gateway                 http://127.0.0.1:8000         1.2 s",
        "  ready  model-registry-worker                                10.0 s",
        "  FAIL   audio-svc",
    ]


def test_colours_are_for_terminals_only() -> None:
    file, terminal, plain = io.StringIO(), Terminal(), Terminal()
    for stream, colour in ((file, True), (terminal, True), (plain, False)):
        Console(stream, colour=colour).event("ready", "gateway", colour="green")
    assert "\x1b[32mready\x1b[0m" in terminal.getvalue()
    assert "\x1b" not in file.getvalue() + plain.getvalue()


def test_reader_that_went_away_is_no_error() -> None:
    Console(ClosedPipe(), colour=False).line("nobody reads this")


@pytest.mark.parametrize(
    ("value_s", "text"), [(0.04, "0.0 s"), (3.14, "3.1 s"), (99.9, "99.9 s"), (125.2, "125 s")]
)
def test_seconds_are_short(value_s: float, text: str) -> None:
    assert seconds(value_s) == text


def test_paths_below_here_are_shown_relative(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert shown_path(tmp_path / ".fleetserve" / "logs") == ".fleetserve/logs"
    assert shown_path(Path("/var/fleet")) == "/var/fleet"
