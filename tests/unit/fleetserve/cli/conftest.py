import io
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx
import pytest

from fleetserve.cli.__main__ import run
from fleetserve.cli.context import Context
from fleetserve.cli.parser import build_parser
from fleetserve.cli.settings import load_cli_settings
from fleetserve.clock import Clock, SystemClock

Handler = Callable[[httpx.Request], httpx.Response]


class InstantClock(SystemClock):
    """Does not wait, and remembers how long it should have."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


@dataclass
class Shell:
    """A command line whose gateway is a function."""

    handler: Handler
    clock: Clock
    environ: dict[str, str] = field(default_factory=dict)
    stdin: str = ""
    requests: list[httpx.Request] = field(default_factory=list)
    out: str = ""
    err: str = ""
    binary: bytes = b""

    def __call__(self, *arguments: str) -> int:
        stdout, stderr, binary = io.StringIO(), io.StringIO(), io.BytesIO()
        context = Context(
            settings=load_cli_settings(self.environ),
            clock=self.clock,
            stdin=io.StringIO(self.stdin),
            stdout=stdout,
            stderr=stderr,
            binary_stdout=binary,
            transport=httpx.MockTransport(self._answer),
        )
        status = run(build_parser().parse_args(arguments), context)
        self.out, self.err = stdout.getvalue(), stderr.getvalue()
        self.binary = binary.getvalue()
        return status

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self.handler(request)


MakeShell = Callable[[Handler], Shell]


@pytest.fixture
def clock() -> InstantClock:
    return InstantClock()


@pytest.fixture
def shell(clock: InstantClock) -> MakeShell:
    return lambda handler: Shell(handler, clock)


def routes(answers: dict[str, httpx.Response | Handler]) -> Handler:
    """A gateway that answers by ``METHOD /path``."""

    def handle(request: httpx.Request) -> httpx.Response:
        answer = answers.get(f"{request.method} {request.url.path}")
        if answer is None:
            raise AssertionError(f"nobody should call {request.method} {request.url.path}")
        return answer(request) if callable(answer) else answer

    return handle
