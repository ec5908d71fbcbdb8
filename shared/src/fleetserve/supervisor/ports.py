"""Finding out whether ports are free before anything is started."""

import errno
import platform
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from fleetserve.supervisor.errors import SupervisorError

RETRY_S = 0.05
TRIED_FOR_A_HINT = 20


def check_port(
    bind: str,
    port: int,
    *,
    patience_s: float = 0.0,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Returns when the gateway can listen there.

    A taken port gets ``patience_s`` to become free: a fleet that was killed a moment ago may
    still be letting go of it.

    Raises: SupervisorError: one line on what is wrong and how to choose another.
    """
    problem = _try(bind, port)
    for _ in range(int(patience_s / RETRY_S)):
        if problem is None or problem.errno != errno.EADDRINUSE:
            break
        sleep(RETRY_S)
        problem = _try(bind, port)
    if problem is not None:
        raise SupervisorError(_explain(bind, port, problem))


@contextmanager
def reserved_port() -> Iterator[int]:
    """A free loopback port for a server that sets SO_REUSEADDR, as Redis does.

    On Linux nobody else is given the port within the block, not even between a crash of that
    server and its restart: a bound socket that does not listen is in nobody's way, but the
    kernel passes over its port when it looks for a free one.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as reserving:
        reserving.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reserving.bind(("127.0.0.1", 0))
        port: int = reserving.getsockname()[1]
        if platform.system() != "Linux":
            reserving.close()  # there it would keep the server out
        yield port


def _try(bind: str, port: int) -> OSError | None:
    try:
        info = socket.getaddrinfo(bind, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = info[0]
        with socket.socket(family, kind, protocol) as server:
            # As the gateway will bind it: ports of closed connections do not count as taken.
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            server.bind(address)
            server.listen(1)
    except OSError as exc:
        return exc
    return None


def _explain(bind: str, port: int, problem: OSError) -> str:
    if problem.errno == errno.EADDRINUSE:
        return (
            f"Port {port} on {bind} is taken by another program. Use another one: "
            f"PORT={_next_free(bind, port)} make run"
        )
    if problem.errno == errno.EACCES:
        return (
            f"Port {port} is not allowed to this user (below 1024 only root may listen). "
            "Use another one: PORT=8000 make run"
        )
    return f"BIND={bind}: {problem.strerror}. BIND is an address of this machine, as 127.0.0.1."


def _next_free(bind: str, port: int) -> int:
    candidates = range(port + 1, min(port + TRIED_FOR_A_HINT, 65535))
    return next((number for number in candidates if _try(bind, number) is None), port + 1)
