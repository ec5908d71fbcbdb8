"""auth-svc as a process of its own, and a gateway's side of it in this one."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from time import monotonic

import httpx

from fleetserve.auth.redis_keys import AuthKeys
from fleetserve.auth.revocation_follower import RevocationFollower
from fleetserve.auth.revocations import RevocationList
from fleetserve.auth.source.service import ServiceAuthSource
from fleetserve.auth.verifier import AuthVerifier
from fleetserve.clock import SystemClock
from fleetserve.errors import UnavailableError
from fleetserve.redis_client import make_redis
from fleetserve.tokens import TOKEN_HEADER, TokenSigner, make_secrets

START_S = 60.0
CLOCK = SystemClock()


async def until(condition: Callable[[], bool], within_s: float) -> float:
    """Seconds that it took; fails after ``within_s``."""
    begin_s = monotonic()
    while not condition():
        assert monotonic() - begin_s < within_s, "it did not come to be"
        await asyncio.sleep(0.01)
    return monotonic() - begin_s


class AuthProcess:
    """Keeps its home over a restart; ``url`` is new at each start."""

    def __init__(self, home: Path, redis_url: str) -> None:
        self.home = home
        self._redis_url = redis_url
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""
        make_secrets(home / "secrets", ["gateway", "auth-svc"])
        self._signer = TokenSigner(home / "secrets", "gateway", CLOCK)

    async def start(self) -> None:
        """Returns when it listens."""
        address = self.home / "address"
        address.unlink(missing_ok=True)
        process = self._process = self._spawn(address)
        await until(lambda: address.exists() or process.poll() is not None, START_S)
        self.url = address.read_text().strip()

    def _spawn(self, address: Path) -> "subprocess.Popen[bytes]":
        environ = {
            "PATH": os.defpath,
            "FLEETSERVE_HOME": str(self.home),
            "FLEETSERVE_CONFIG": str(self.home / "config.yaml"),
            "FLEETSERVE_AUTH": str(self.home / "auth.yaml"),
            "FLEETSERVE_ADDRESS_FILE": str(address),
            "FLEETSERVE_LOGGING__STDOUT": "false",
            "REDIS_URL": self._redis_url,
            "ENABLE_AUTH": "true",
        }
        return subprocess.Popen([sys.executable, "-m", "auth_svc"], env=environ)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> int:
        """Ends it as the supervisor does; its exit status."""
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        return self._process.wait(30)

    def log(self) -> str:
        """All that it has logged."""
        return "".join(path.read_text() for path in sorted((self.home / "logs").glob("*")))

    def client(self) -> httpx.AsyncClient:
        """Calls it as the gateway does."""
        headers = {TOKEN_HEADER: self._signer.token_for("auth-svc")}
        # Nothing here is TLS, whose certificates take 40 ms to read.
        return httpx.AsyncClient(base_url=self.url, headers=headers, timeout=20, verify=False)

    async def get(self, path: str) -> tuple[int, bytes]:
        try:
            async with self.client() as client:
                answer = await client.get(path)
                return answer.status_code, answer.content
        except httpx.TransportError as exc:
            raise UnavailableError(f"auth-svc does not answer: {exc}") from exc

    @contextlib.asynccontextmanager
    async def gateway(self) -> AsyncIterator[AuthVerifier]:
        """A verifier that asks this process and follows its revocations."""
        known = RevocationList(CLOCK)
        async with make_redis(self._redis_url) as client:
            follower = RevocationFollower(client, AuthKeys("fleetserve"), known, CLOCK)
            task = asyncio.ensure_future(follower.run())
            await until(lambda: follower.synced, 5)
            try:
                yield AuthVerifier(ServiceAuthSource(self.get), known, CLOCK)
            finally:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
