"""The headers that every answer carries, and which Host headers are taken."""

import base64
import re
from collections.abc import Iterable
from hashlib import sha256

from fleetserve.asgi import RawHeaders

_INLINE_SCRIPT = re.compile(r"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL)

_FIXED: tuple[tuple[bytes, bytes], ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"x-permitted-cross-domain-policies", b"none"),
    (
        b"permissions-policy",
        b"camera=(), geolocation=(), microphone=(self), payment=(), usb=()",
    ),
)


def script_hashes(*pages: str) -> list[str]:
    """The CSP hashes of the inline scripts of those HTML pages (Swagger UI's page has one)."""
    found: dict[str, None] = {}
    for page in pages:
        for script in _INLINE_SCRIPT.findall(page):
            checksum = base64.b64encode(sha256(script.encode()).digest()).decode()
            found[f"'sha256-{checksum}'"] = None
    return list(found)


def content_security_policy(hashes: Iterable[str] = ()) -> str:
    """Everything from this origin alone, and no inline script but those with the hashes.

    Swagger UI and ReDoc write style elements and use data: images; ReDoc's search runs in a
    worker from a blob: URL; synthesized speech is played from one.
    """
    return "; ".join(
        (
            "default-src 'self'",
            " ".join(("script-src 'self'", *hashes)),
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "media-src 'self' data: blob:",
            "connect-src 'self'",
            "worker-src 'self' blob:",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )


def security_headers(hashes: Iterable[str] = ()) -> RawHeaders:
    """The whole set; made once, added to every answer."""
    policy = content_security_policy(hashes).encode()
    return [*_FIXED, (b"content-security-policy", policy)]


class AllowedHosts:
    """Which Host headers are taken, without their port; "*" takes all, "*.name" all below name.

    A web page under another name that was made to point here is refused by it, so that it can't
    drive a local fleet.
    """

    MAX_REMEMBERED = 64

    def __init__(self, hosts: Iterable[str]) -> None:
        wanted = [host.lower() for host in hosts]
        self._any = "*" in wanted
        self._names = frozenset(host for host in wanted if not host.startswith("*"))
        self._endings = tuple(host[1:] for host in wanted if host.startswith("*."))
        self._taken: set[bytes] = set()

    def take(self, host: bytes | None) -> bool:
        """Whether a request with this Host header is answered."""
        if self._any or host in self._taken:
            return True
        if host is None or not self._allows(_without_port(host.decode("latin-1").lower())):
            return False
        if len(self._taken) < self.MAX_REMEMBERED:
            self._taken.add(host)
        return True

    def _allows(self, name: str) -> bool:
        return name in self._names or name.endswith(self._endings)


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    is_port = colon and port.isdigit() and (":" not in name or name.endswith("]"))
    return name if is_port else host
