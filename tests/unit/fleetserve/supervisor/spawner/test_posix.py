import asyncio
import os
import select
import signal
import sys
from collections.abc import AsyncIterator

import pytest

from fleetserve.supervisor.spawner.base import Command
from fleetserve.supervisor.spawner.posix import PosixSpawner

TIMEOUT_S = 20


@pytest.fixture
async def spawner() -> AsyncIterator[PosixSpawner]:
    spawner = PosixSpawner()
    yield spawner
    spawner.close()


def shell(script: str) -> Command:
    return Command(("sh", "-c", script), {"PATH": os.defpath})


async def run(spawner: PosixSpawner, command: Command) -> tuple[int, str]:
    output: list[bytes] = []
    child = spawner.spawn(command, output.append)
    status = await asyncio.wait_for(child.exited, TIMEOUT_S)
    return status, b"".join(output).decode()


async def first_line(spawner: PosixSpawner, script: str) -> tuple[int, "asyncio.Future[int]", str]:
    line: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    said: list[bytes] = []

    def on_output(data: bytes) -> None:
        said.append(data)
        if b"\n" in data and not line.done():
            line.set_result(b"".join(said).decode().strip())

    child = spawner.spawn(shell(script), on_output)
    return child.pid, child.exited, await asyncio.wait_for(line, TIMEOUT_S)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_environment_is_what_was_given_and_nothing_else(spawner: PosixSpawner) -> None:
    script = "import os; print(sorted(n for n in os.environ if n != 'LC_CTYPE'))"
    command = Command((sys.executable, "-c", script), {"A": "1"})
    assert await run(spawner, command) == (0, "['A']\n")


async def test_stdout_and_stderr_come_in_order(spawner: PosixSpawner) -> None:
    assert await run(spawner, shell("echo one; echo two >&2; echo three")) == (
        0,
        "one\ntwo\nthree\n",
    )


async def test_all_of_a_long_output_arrives_before_the_exit(spawner: PosixSpawner) -> None:
    status, output = await run(spawner, shell("seq 1 100000; exit 4"))
    assert status == 4
    assert output.endswith("\n100000\n")


async def test_stdin_is_empty(spawner: PosixSpawner) -> None:
    assert await run(spawner, shell("cat; echo end")) == (0, "end\n")


async def test_child_leads_its_own_session(spawner: PosixSpawner) -> None:
    pid, exited, _ = await first_line(spawner, "echo up; exec sleep 1000")
    assert os.getsid(pid) == os.getpgid(pid) == pid
    os.kill(pid, signal.SIGKILL)
    assert await asyncio.wait_for(exited, TIMEOUT_S) == 137


async def test_grandchildren_end_with_the_child_however_it_ends(spawner: PosixSpawner) -> None:
    pid, exited, grandchild = await first_line(spawner, "sleep 1000 & echo $!; wait")
    descriptor = os.pidfd_open(int(grandchild))
    os.kill(pid, signal.SIGKILL)
    await asyncio.wait_for(exited, TIMEOUT_S)
    assert select.select([descriptor], [], [], TIMEOUT_S)[0]
    os.close(descriptor)


async def test_program_that_is_not_there_exits_127_and_says_so(spawner: PosixSpawner) -> None:
    status, output = await run(spawner, Command(("/no/such/program",), {}))
    assert status == 127
    assert "/no/such/program" in output


async def test_no_descriptor_but_the_standard_ones_is_inherited(spawner: PosixSpawner) -> None:
    code = "import os; print([n for n in range(3, 99) if os.path.exists(f'/proc/self/fd/{n}')])"
    leaky = os.open(os.devnull, os.O_RDONLY)
    os.set_inheritable(leaky, True)
    _, output = await run(spawner, Command((sys.executable, "-c", code), {}))
    os.close(leaky)
    assert output == "[]\n"


async def test_signals_to_an_ended_child_do_nothing(spawner: PosixSpawner) -> None:
    child = spawner.spawn(shell("exit 0"), lambda _: None)
    await asyncio.wait_for(child.exited, TIMEOUT_S)
    child.terminate()
    child.kill()


async def test_close_ends_what_runs() -> None:
    spawner = PosixSpawner()
    pid, _, _ = await first_line(spawner, "echo up; exec sleep 1000")
    spawner.close()
    assert not alive(pid)
