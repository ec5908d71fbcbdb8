"""Which calls of the engine's API are passed on: an allow-list of methods, paths and queries.

A call is recognised from the raw bytes of its target and written anew from what was recognised,
so that the engine never reads a byte in another way than was read here.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from autoscaler_svc.proxy.errors import RefusedError

# The one version that is spoken; another one might know more keys.
API_VERSION = "1.45"
LONGEST_TARGET = 2048
_ID = r"(?P<id>[0-9a-f]{64})"
_NOTHING = re.compile(r"0|[Ff]alse")
_SECONDS = re.compile(r"[0-9]{1,3}")


class CallKind(StrEnum):
    PING = "ping"
    LIST = "list"
    INSPECT = "inspect"
    CREATE = "create"
    START = "start"
    STOP = "stop"
    KILL = "kill"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Call:
    """A call that may be made.

    Attributes:
        container: The whole id; empty where the call is about none.
        query: Values that were checked, those of no effect left out.
    """

    kind: CallKind
    container: str
    query: dict[str, str]

    @property
    def changes(self) -> bool:
        return self.kind not in (CallKind.PING, CallKind.LIST, CallKind.INSPECT)


@dataclass(frozen=True, slots=True)
class _Route:
    """``query`` are the keys that may be there; ``passed`` those of them that mean something."""

    kind: CallKind
    method: str
    path: re.Pattern[str]
    query: dict[str, re.Pattern[str]]
    passed: tuple[str, ...] = ()
    versioned: bool = True


def _path(text: str) -> re.Pattern[str]:
    return re.compile(text, re.ASCII)


_ROUTES = (
    _Route(CallKind.PING, "GET", _path("/_ping"), {}, versioned=False),
    _Route(
        CallKind.LIST,
        "GET",
        _path("/containers/json"),
        # As the SDK writes them. The filter is the proxy's own.
        {
            "all": re.compile("1"),
            "limit": re.compile("-1"),
            "size": _NOTHING,
            "trunc_cmd": _NOTHING,
        },
    ),
    _Route(CallKind.INSPECT, "GET", _path(f"/containers/{_ID}/json"), {}),
    _Route(
        CallKind.CREATE,
        "POST",
        _path("/containers/create"),
        {"name": re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}")},
        ("name",),
    ),
    _Route(CallKind.START, "POST", _path(f"/containers/{_ID}/start"), {}),
    _Route(CallKind.STOP, "POST", _path(f"/containers/{_ID}/stop"), {"t": _SECONDS}, ("t",)),
    _Route(
        CallKind.KILL,
        "POST",
        _path(f"/containers/{_ID}/kill"),
        {"signal": re.compile("SIGTERM|SIGKILL")},
        ("signal",),
    ),
    _Route(
        CallKind.REMOVE,
        "DELETE",
        _path(f"/containers/{_ID}"),
        # Never its volumes, never a link.
        {"v": _NOTHING, "link": _NOTHING, "force": re.compile(r"[01]|[Tt]rue|[Ff]alse")},
        ("force",),
    ),
)


def parse_call(method: str, raw_path: bytes, raw_query: bytes) -> Call:
    """The call that a request makes.

    Raises: RefusedError: it is none that is passed on, and why.
    """
    path, query = _text(raw_path), _text(raw_query)
    rest, versioned = _without_version(path)
    for route in _ROUTES:
        match = route.path.fullmatch(rest)
        if match is None or route.versioned is not versioned:
            continue
        if route.method == method:
            found = _query(route, query)
            return Call(route.kind, match.groupdict().get("id", ""), found)
    raise RefusedError(f"{method} {path[:200]} is not a call that an autoscaler makes")


def _text(raw: bytes) -> str:
    if len(raw) > LONGEST_TARGET:
        raise RefusedError("the target is too long")
    # No call that is passed on has anything to encode; so nothing can be hidden by it.
    if b"%" in raw or not raw.isascii():
        raise RefusedError("targets are plain ASCII here, nothing is percent-encoded")
    return raw.decode("ascii")


def _without_version(path: str) -> tuple[str, bool]:
    prefix = f"/v{API_VERSION}/"
    if path.startswith(prefix):
        return path.removeprefix(prefix[:-1]), True
    return path, False


def _query(route: _Route, query: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in query.split("&") if query else ():
        name, _, value = part.partition("=")
        pattern = route.query.get(name)
        if pattern is None:
            raise RefusedError(f"{route.kind}: {name!r} in the query is not taken")
        if name in found:
            raise RefusedError(f"{route.kind}: {name!r} stands twice in the query")
        if not pattern.fullmatch(value):
            raise RefusedError(f"{route.kind}: {name}={value[:64]!r} is not taken")
        found[name] = value
    return {name: found[name] for name in route.passed if name in found}
