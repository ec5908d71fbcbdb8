"""A real PostgreSQL for tests, where its programs are installed."""

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import uuid4

from tests.redis_server import free_port

OPTIONS = ("-c", "fsync=off", "-c", "shared_buffers=16MB", "-c", "max_connections=40")


def programs_folder() -> Path | None:
    """Where initdb and postgres are; None where they are not installed."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return installed[-1] if installed else None


class PostgresServer:
    """Listens on loopback, trusts everybody, and leaves nothing behind.

    It refuses to run as root, so there it runs as the system's user ``postgres``.
    """

    def __init__(self, programs: Path) -> None:
        self._programs = programs
        self._user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        self._folder = Path(tempfile.mkdtemp(prefix="postgres-"))
        if os.geteuid() == 0:
            shutil.chown(self._folder, self._user)
        self._port = free_port()
        self._run("initdb", "--auth=trust", "--username=fleet", "--no-sync", "-E", "UTF8")
        self._run(
            "pg_ctl",
            "start",
            "--wait",
            "--log",
            str(self._folder / "log"),
            "--options",
            f"-p {self._port} -h 127.0.0.1 -k '' {' '.join(OPTIONS)}",
        )

    def new_database(self) -> str:
        """The URL of an empty database."""
        name = f"db{uuid4().hex[:12]}"
        where = ("--host=127.0.0.1", f"--port={self._port}", "--username=fleet")
        subprocess.run([str(self._programs / "createdb"), *where, name], check=True)
        return f"postgresql://fleet@127.0.0.1:{self._port}/{name}"

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [str(self._programs / program), "-D", str(self._folder / "data"), *arguments],
            user=self._user if os.geteuid() == 0 else None,
            cwd=self._folder,
            check=True,
            stdout=subprocess.DEVNULL,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._run("pg_ctl", "stop", "--mode=immediate", "--wait")
        shutil.rmtree(self._folder)
