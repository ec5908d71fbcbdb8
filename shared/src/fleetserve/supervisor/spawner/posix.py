"""Real processes on Linux and other Unixes."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from fleetserve.supervisor.spawner.base import Command
from fleetserve.supervisor.spawner.group_watcher import GroupWatcher

SHIM = Path(__file__).parent.parent / "shim.py"
READ_BYTES = 64 * 1024
# A process that prints without end must not keep the supervisor from its other work.
READS_AT_EXIT = 64


class PosixChild:
    """A process behind the shim, the leader of its own group and session."""

    def __init__(
        self, process: subprocess.Popen[bytes], on_output: Callable[[bytes], None]
    ) -> None:
        self._process = process
        self._on_output = on_output
        self._loop = asyncio.get_running_loop()
        self.exited: asyncio.Future[int] = self._loop.create_future()
        assert process.stdout is not None
        self._output_fd = process.stdout.fileno()
        os.set_blocking(self._output_fd, False)
        self._loop.add_reader(self._output_fd, self._read)

    @property
    def pid(self) -> int:
        return self._process.pid

    def terminate(self) -> None:
        # The pid is ours until reap() collects it, so this can't hit a stranger.
        if not self.exited.done():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        if not self.exited.done():
            self._kill_group()

    def reap(self) -> bool:
        """Collects the process if it has ended: its group, the rest of its output, its status."""
        if not self._has_ended():
            return False
        # While the leader is a zombie its group's number can't be given to anybody else.
        self._kill_group()
        status = self._process.wait()
        for _ in range(READS_AT_EXIT):
            if not self._read():
                break
        self._close_output()
        self.exited.set_result(status if status >= 0 else 128 - status)
        return True

    def end(self) -> None:
        """Kills and collects the process; blocks for as long as the system takes for that."""
        self.kill()
        self._process.wait()
        self._close_output()

    def _has_ended(self) -> bool:
        if not hasattr(os, "waitid"):  # macOS before Python 3.13
            return self._process.poll() is not None
        flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PID, self.pid, flags) is not None

    def _kill_group(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    def _read(self) -> bool:
        try:
            data = os.read(self._output_fd, READ_BYTES) if self._output_fd >= 0 else b""
        except BlockingIOError:
            return False
        if data:
            self._on_output(data)
        else:
            self._close_output()
        return bool(data)

    def _close_output(self) -> None:
        if self._output_fd >= 0:
            self._loop.remove_reader(self._output_fd)
            self._output_fd = -1
            assert self._process.stdout is not None
            self._process.stdout.close()


class PosixSpawner:
    """Starts processes through the shim and collects them on SIGCHLD.

    Make it and call it in the main thread, whose death the kernel takes for the parent's.

    Args:
        death_signal: Ask the kernel to end children with this process (Linux).
    """

    def __init__(self, *, death_signal: bool = sys.platform == "linux") -> None:
        self._death_signal = signal.SIGKILL if death_signal else 0
        self._children: dict[int, PosixChild] = {}
        self._watcher = GroupWatcher()
        self._loop = asyncio.get_running_loop()
        self._loop.add_signal_handler(signal.SIGCHLD, self._collect)

    def spawn(self, command: Command, on_output: Callable[[bytes], None]) -> PosixChild:
        gate_out, gate_in = os.pipe()
        try:
            process = self._start(command, gate_out)
            self._watcher.add(process.pid)
            child = PosixChild(process, on_output)
            self._children[process.pid] = child
            os.write(gate_in, b"+")
        finally:
            os.close(gate_out)
            os.close(gate_in)
        return child

    def close(self) -> None:
        """Ends what still runs and stops watching."""
        self._loop.remove_signal_handler(signal.SIGCHLD)
        for child in self._children.values():
            child.end()
        self._watcher.close()

    def _start(self, command: Command, gate_fd: int) -> subprocess.Popen[bytes]:
        shim = [sys.executable, "-I", "-S", str(SHIM)]
        tie = [str(os.getpid()), str(gate_fd), str(int(self._death_signal))]
        return subprocess.Popen(  # noqa: S603 - argv comes from the table of services
            [*shim, *tie, *command.argv],
            env=dict(command.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=[gate_fd],
            start_new_session=True,
            bufsize=0,
        )

    def _collect(self) -> None:
        self._watcher.ensure_running()
        for pid, child in list(self._children.items()):
            if child.reap():
                del self._children[pid]
                self._watcher.remove(pid)
