"""Runs for a moment before each child's program: ties the process to the supervisor.

    python -I -S shim.py PARENT_PID GATE_FD DEATH_SIGNAL PROGRAM [ARGUMENT …]

DEATH_SIGNAL is what Linux sends when the supervisor dies; 0 asks for none. The program starts
only after the supervisor has written to the gate, that is, after the watcher knows of this
process group: a supervisor killed at any moment before that leaves a closed gate, and nothing
starts. Only the standard library, and little of it: this is on every child's way.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1
NOT_STARTED = 127


def die_with_parent(parent_pid: int, death_signal: int) -> None:
    """Asks the kernel to end this process with its parent.

    Raises: OSError: the kernel refuses. SystemExit: the parent died before it was asked.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent_pid:
        sys.exit(NOT_STARTED)


def main(arguments: list[str]) -> None:
    parent_pid, gate_fd, death_signal = (int(value) for value in arguments[:3])
    program = arguments[3:]
    if death_signal:
        die_with_parent(parent_pid, death_signal)
    if not os.read(gate_fd, 1):
        sys.exit(NOT_STARTED)
    os.close(gate_fd)
    try:
        os.execvp(program[0], program)  # noqa: S606 - becoming the child's program is the purpose
    except OSError as exc:
        sys.stderr.write(f"cannot run {program[0]}: {exc.strerror}\n")
        sys.exit(NOT_STARTED)


if __name__ == "__main__":
    main(sys.argv[1:])
