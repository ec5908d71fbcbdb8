import os
import signal
import subprocess
import sys
from pathlib import Path

from fleetserve.supervisor import watcher
from fleetserve.supervisor.watcher import follow

WATCHER = Path(watcher.__file__)


def sleeper() -> subprocess.Popen[bytes]:
    """A group of two: a shell and its child."""
    shell = subprocess.Popen(
        ["sh", "-c", "sleep 1000 & echo started; wait"],
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert shell.stdout is not None
    assert shell.stdout.readline() == b"started\n"
    return shell


def start_watcher() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-I", "-S", str(WATCHER)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
    )


def ignores(pid: int, number: signal.Signals) -> bool:
    status = Path(f"/proc/{pid}/status").read_text()
    ignored = next(line for line in status.splitlines() if line.startswith("SigIgn"))
    return bool(int(ignored.split()[1], 16) >> (number - 1) & 1)


def test_lines_add_and_remove_groups() -> None:
    groups: set[int] = set()
    follow([b"+12\n", b"+34\n", b"-12\n", b"-99\n"], groups)
    assert groups == {34}


def test_end_of_the_pipe_ends_whole_groups_and_spares_others() -> None:
    doomed, spared = sleeper(), sleeper()
    watching = start_watcher()
    watching.communicate(f"+{spared.pid}\n+{doomed.pid}\n-{spared.pid}\n".encode())
    assert watching.returncode == 0
    assert doomed.wait(10) == -signal.SIGKILL
    # The pipe ends when the child of the shell is gone too.
    assert doomed.communicate(timeout=10)[0] == b""
    assert spared.poll() is None
    watching = start_watcher()
    watching.communicate(f"+{spared.pid}\n".encode())
    spared.communicate(timeout=10)


def test_groups_that_are_gone_are_no_error() -> None:
    ended = sleeper()
    ended.kill()
    watching = start_watcher()
    watching.communicate(f"+{ended.pid}\n+{ended.pid}\n".encode())
    assert watching.returncode == 0
    ended.communicate(timeout=10)


def test_polite_signals_do_not_end_it() -> None:
    doomed = sleeper()
    watching = start_watcher()
    assert watching.stdin is not None
    watching.stdin.write(f"+{doomed.pid}\n".encode())
    polite = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    while not all(ignores(watching.pid, number) for number in polite):
        os.sched_yield()
    for number in polite:
        watching.send_signal(number)
    watching.communicate()
    assert watching.returncode == 0
    assert doomed.wait(10) == -signal.SIGKILL
    doomed.communicate()
