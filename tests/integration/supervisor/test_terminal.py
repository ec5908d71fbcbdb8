"""Ctrl-C in a real terminal."""

import os
import pty
import signal
import sys
from pathlib import Path

from tests.integration.supervisor.fleet_runner import (
    fleet_pids,
    wait_until_gone,
    write_tiny_services,
)


def read_until(terminal: int, text: bytes) -> bytes:
    seen = b""
    while text not in seen:
        data = os.read(terminal, 4096)
        assert data, seen
        seen += data
    return seen


def test_ctrl_c_reaches_the_supervisor_alone_and_marks_are_coloured(
    tmp_path: Path, runtime_dir: Path
) -> None:
    home = tmp_path / "home"
    write_tiny_services(tmp_path / "packages")
    environment = {
        "PATH": os.defpath,
        "PYTHONPATH": str(tmp_path / "packages"),
        "FLEETSERVE_HOME": str(home),
        "XDG_RUNTIME_DIR": str(runtime_dir),
        "PORT": "0",
        "TERM": "xterm",
    }
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(sys.executable, [sys.executable, "-m", "fleetserve.cli", "up"], environment)
    try:
        seen = read_until(terminal, b"Try it:")
        assert b"\x1b[32mready\x1b[0m" in seen
        pids = fleet_pids(home) - {pid}
        os.write(terminal, b"\x03")
        seen = read_until(terminal, b"Stopped after")
        assert b"killed by" not in seen
        assert b"ended" not in seen
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        assert wait_until_gone(pids) == set()
    finally:
        for left in fleet_pids(home):
            os.kill(left, signal.SIGKILL)
        os.close(terminal)
