import io

import pytest

from fleetserve.cli.progress_bar import ProgressBar, bar_line


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("done", "share"), [(0, "  0 %"), (999, " 99 %"), (1000, "100 %"), (1001, "100 %")]
)
def test_hundred_percent_is_said_only_when_all_is_there(done: int, share: str) -> None:
    assert share in bar_line(done, 1000, "")


def test_terminal_sees_one_line_that_is_redrawn() -> None:
    terminal = Terminal()
    bar = ProgressBar(terminal)
    bar.show(5e6, 10e6, "a long note here")
    bar.show(10e6, 10e6, "done")
    bar.end()
    drawn = terminal.getvalue().split("\r")
    assert len(drawn) == 3
    assert len(drawn[2].rstrip("\n")) >= len(drawn[1])
    assert terminal.getvalue().endswith("\n")


def test_file_gets_a_line_per_tenth() -> None:
    file = io.StringIO()
    bar = ProgressBar(file)
    for done in range(1001):
        bar.show(done, 1000, "downloading")
    bar.end()
    assert len(file.getvalue().splitlines()) == 11
