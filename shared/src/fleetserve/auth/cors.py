"""CORS: which other origins' pages may read answers. Never with cookies; there are none."""

from collections.abc import Sequence

from fleetserve.asgi import RawHeaders

_METHODS = b"GET, HEAD, POST, PUT, PATCH, DELETE"
_REQUEST_HEADERS = (
    b"Authorization, Content-Type, Accept, X-API-Key, X-Request-ID, X-Model-Name, Prefer, "
    b"Idempotency-Key, Last-Event-ID"
)
_EXPOSED = (
    b"X-Request-ID, X-Process-Time, Server-Timing, Location, Retry-After, RateLimit-Limit, "
    b"RateLimit-Remaining, RateLimit-Reset, X-Total-Lines, X-File-Size, Content-Disposition, "
    b"X-Audio-Duration, X-Audio-Sample-Rate, X-Audio-Channels, X-Audio-Warning"
)
_VARY = (b"vary", b"Origin")


class CorsPolicy:
    """By auth.yaml's ``cors``; with no origins, no header is ever added.

    Args:
        origins: As a browser sends them, in lower case; "*" allows every one.
    """

    def __init__(self, origins: Sequence[str], max_age_s: int) -> None:
        self._any = "*" in origins
        self._origins = frozenset(origin.encode() for origin in origins)
        self._max_age = str(max_age_s).encode()

    def headers(self, origin: bytes | None) -> RawHeaders:
        """What to add to an answer to a request with that Origin header."""
        if not self._origins:
            return []
        if origin is None or not self._allows(origin):
            return [_VARY]
        return [
            (b"access-control-allow-origin", b"*" if self._any else origin),
            (b"access-control-expose-headers", _EXPOSED),
            _VARY,
        ]

    def may_change(self, origin: bytes | None, host: bytes | None) -> bool:
        """Whether a request that may change something comes from where it may come from.

        A browser names the page's origin in every one, also where it asks for no permission first
        (no body, a form, a file); other clients name none. Our own pages, which have the origin
        of the Host that was asked, are taken, and those that ``cors`` allows.
        """
        if origin is None or self._allows(origin):
            return True
        return origin.partition(b"://")[2].lower() == (host or b"").lower() != b""

    def preflight(self, origin: bytes | None) -> tuple[int, RawHeaders]:
        """Status and headers for OPTIONS with Access-Control-Request-Method; no body, no auth.

        403 where that origin is not allowed.
        """
        if origin is None or not self._allows(origin):
            return 403, [_VARY] if self._origins else []
        return 204, [
            (b"access-control-allow-origin", b"*" if self._any else origin),
            (b"access-control-allow-methods", _METHODS),
            (b"access-control-allow-headers", _REQUEST_HEADERS),
            (b"access-control-max-age", self._max_age),
            _VARY,
        ]

    def _allows(self, origin: bytes) -> bool:
        return self._any or origin.lower() in self._origins


def is_preflight(method: str, request_method: bytes | None) -> bool:
    """Whether a request is a browser's question: OPTIONS with Access-Control-Request-Method."""
    return method == "OPTIONS" and request_method is not None
