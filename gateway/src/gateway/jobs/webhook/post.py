"""One POST to an address that was looked up before; the name is not looked up again."""

import http.client
import socket
import ssl
from collections.abc import Mapping

from gateway.jobs.webhook.target import Target

TIMEOUT_S = 10.0


class PostFailedError(Exception):
    """No answer came; worth another try."""


class _Pinned(http.client.HTTPConnection):
    """Connects to the addresses of its target, and to none that its name might have by now."""

    def __init__(self, target: Target, context: ssl.SSLContext | None) -> None:
        super().__init__(target.host, target.port, timeout=TIMEOUT_S)
        self._target = target
        self._tls = context

    def connect(self) -> None:
        sock = _connect(self._target)
        if self._tls is not None:
            sock = self._tls.wrap_socket(sock, server_hostname=self._target.host)
        self.sock = sock


def post(target: Target, headers: Mapping[str, str], body: bytes) -> int:
    """The status of the answer; redirects are not followed. Blocking for at most some seconds.

    Raises: PostFailedError: no connection, no answer, or a certificate that does not hold.
    """
    connection = _Pinned(target, ssl.create_default_context() if target.tls else None)
    try:
        connection.request("POST", target.path, body, {"Host": target.authority, **headers})
        return connection.getresponse().status
    except (OSError, http.client.HTTPException) as exc:
        raise PostFailedError(str(exc) or type(exc).__name__) from exc
    finally:
        connection.close()


def _connect(target: Target) -> socket.socket:
    """Raises: OSError: the last address's reason."""
    failure: OSError = ConnectionError(f"{target.host} has no address")
    for address in target.addresses:
        try:
            return socket.create_connection((address, target.port), timeout=TIMEOUT_S)
        except OSError as exc:
            failure = exc
    raise failure
