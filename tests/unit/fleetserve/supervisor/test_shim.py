import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fleetserve.supervisor import shim

SHIM = Path(shim.__file__)
KILL = str(int(signal.SIGKILL))


def start(gate: int, *program: str, parent: int | None = None) -> subprocess.Popen[str]:
    tie = [str(parent or os.getpid()), str(gate), KILL]
    return subprocess.Popen(
        [sys.executable, "-I", "-S", str(SHIM), *tie, *program],
        pass_fds=[gate],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.fixture
def gate() -> "tuple[int, int]":
    return os.pipe()


def test_program_runs_once_the_gate_is_open(gate: tuple[int, int]) -> None:
    out, into = gate
    child = start(out, "echo", "hello")
    os.close(out)
    os.write(into, b"+")
    os.close(into)
    assert child.communicate()[0] == "hello\n"


def test_program_does_not_run_when_the_gate_closes(gate: tuple[int, int]) -> None:
    out, into = gate
    child = start(out, "echo", "hello")
    os.close(out)
    os.close(into)
    assert child.communicate()[0] == ""
    assert child.returncode == shim.NOT_STARTED


def test_program_does_not_run_when_the_parent_is_another(gate: tuple[int, int]) -> None:
    out, into = gate
    os.write(into, b"+")
    child = start(out, "echo", "hello", parent=1)
    os.close(out)
    os.close(into)
    assert child.communicate()[0] == ""
    assert child.returncode == shim.NOT_STARTED


def test_program_that_is_not_there_is_named(gate: tuple[int, int]) -> None:
    out, into = gate
    os.write(into, b"+")
    child = start(out, "/no/such/program")
    os.close(out)
    os.close(into)
    assert child.communicate()[0] == "cannot run /no/such/program: No such file or directory\n"
    assert child.returncode == shim.NOT_STARTED


def test_program_inherits_neither_gate_nor_shim(gate: tuple[int, int]) -> None:
    out, into = gate
    os.write(into, b"+")
    child = start(out, "sh", "-c", f"test -e /proc/self/fd/{out} && echo open; echo $0 $$")
    os.close(out)
    os.close(into)
    said = child.communicate()[0]
    assert said.split() == ["sh", str(child.pid)]
