"""Where a webhook may go: an address that a caller gave, looked up, and not one of the inside."""

import socket
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from fleetserve.addresses import is_public
from fleetserve.errors import InvalidFieldError

FIELD = "webhook_url"
MAX_URL = 2048

Resolve = Callable[[str, int], list[str]]
"""The IP addresses of a host. Raises: OSError: it has none."""


@dataclass(frozen=True, slots=True)
class Target:
    """An address that was looked up.

    Attributes:
        path: With the query.
        addresses: IP addresses that may be connected to; the name must not be looked up again,
            since whoever owns it could answer differently.
    """

    tls: bool
    host: str
    port: int
    path: str
    addresses: tuple[str, ...]

    @property
    def authority(self) -> str:
        """As the Host header has it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.tls else 80) else f"{host}:{self.port}"


def look_up(host: str, port: int) -> list[str]:
    """See Resolve; blocking."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class Targets:
    """Decides where webhooks go. Blocking.

    Args:
        allow_private: Take addresses of this machine and of private networks too. Off, since
            anybody who may predict could otherwise post to what only this machine can reach.
    """

    def __init__(self, *, allow_private: bool, resolve: Resolve = look_up) -> None:
        self._allow_private = allow_private
        self._resolve = resolve

    def find(self, url: str) -> Target:
        """Raises: InvalidFieldError: no http or https address, unknown, or a private one."""
        tls, host, port, path = _parse(url)
        try:
            addresses = self._resolve(host, port)
        except OSError as exc:
            raise InvalidFieldError(FIELD, f"{host} is not found ({exc})") from None
        inside = [address for address in addresses if not is_public(address)]
        if inside and not self._allow_private:
            raise InvalidFieldError(
                FIELD,
                f"{host} is a private address; jobs.allow_private_webhooks in config.yaml allows"
                " such",
                code="private_address",
            )
        return Target(tls, host, port, path, tuple(addresses))


def _parse(url: str) -> tuple[bool, str, int, str]:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as exc:
        raise InvalidFieldError(FIELD, f"it can't be read: {exc}") from None
    plain = url.isascii() and url.isprintable() and " " not in url and len(url) <= MAX_URL
    if parts.scheme not in ("http", "https") or not host or not plain:
        raise InvalidFieldError(FIELD, f"{url[:100]!r} is not an http or https address")
    if parts.username is not None or parts.password is not None:
        raise InvalidFieldError(FIELD, "it must not carry a user name or password")
    tls = parts.scheme == "https"
    path = parts.path or "/"
    return tls, host, port or (443 if tls else 80), f"{path}?{parts.query}" if parts.query else path
