import orjson
import pytest

from fleetserve.asgi import Message, Receive, Scope, read_body
from fleetserve.auth.principals import Principal, PrincipalKind
from fleetserve.auth.scopes import Scope as AuthScope
from fleetserve.errors import ForbiddenError, PayloadTooLargeError
from gateway.optimize_seam import MANAGE, MAX_BODY, OPTIMIZE, as_optimize, may_optimize

JSON = [(b"content-type", b"application/json"), (b"content-length", b"7"), (b"host", b"h")]


def manage(query: bytes = b"", headers: list[tuple[bytes, bytes]] | None = None) -> Scope:
    return {
        "type": "http",
        "method": "POST",
        "path": MANAGE,
        "raw_path": MANAGE.encode(),
        "query_string": query,
        "headers": headers or JSON,
    }


def sends(body: bytes) -> Receive:
    messages: list[Message] = [
        {"type": "http.disconnect"},
        {"type": "http.request", "body": body[4:], "more_body": False},
        {"type": "http.request", "body": body[:4], "more_body": True},
    ]

    async def receive() -> Message:
        return messages.pop()

    return receive


def user(*scopes: AuthScope) -> Principal:
    return Principal("user:ada", PrincipalKind.USER, frozenset(scopes), "", "ada")


@pytest.mark.parametrize(
    ("query", "body", "fields"),
    [
        (b"action=optimize&model_name=a%20b", b"", {"model_name": "a b"}),
        (b"", b'{"action":"optimize","model_name":"m"}', {"model_name": "m"}),
        (
            b"action=load&model_name=x",
            b'{"action":"optimize","model_name":"m","tolerance":0.1}',
            {"model_name": "m", "tolerance": 0.1},
        ),
    ],
)
async def test_optimize_goes_to_its_own_route(
    query: bytes, body: bytes, fields: dict[str, object]
) -> None:
    scope, receive = await as_optimize(manage(query), sends(body))
    told = await read_body(receive, MAX_BODY)
    assert (scope["path"], scope["raw_path"], scope["query_string"]) == (
        OPTIMIZE,
        OPTIMIZE.encode(),
        b"",
    )
    assert orjson.loads(told) == fields
    headers = dict(scope["headers"])
    assert headers[b"host"] == b"h"
    assert headers[b"content-type"] == b"application/json"
    assert headers[b"content-length"] == str(len(told)).encode()


@pytest.mark.parametrize(
    ("query", "body"),
    [
        (b"action=load&model_name=m", b""),
        (b"", b'{"action":"load","model_name":"m"}'),
        (b"action=optimize", b'{"action":"load","model_name":"m"}'),
        (b"action=load", b'{"action":'),
        (b"", b"[1]"),
    ],
)
async def test_anything_else_goes_on_unchanged(query: bytes, body: bytes) -> None:
    scope = manage(query)
    same, receive = await as_optimize(scope, sends(body))
    assert same is scope
    assert await read_body(receive, MAX_BODY) == body
    assert (await receive())["type"] == "http.disconnect"


async def test_credential_needs_what_the_other_route_needs() -> None:
    scope = manage(b"action=optimize&model_name=m")
    scope["fleet.principal"] = user(AuthScope.MODELS_WRITE)
    with pytest.raises(ForbiddenError, match="server:write"):
        await as_optimize(scope, sends(b""))
    scope["fleet.principal"] = user(AuthScope.MODELS_WRITE, AuthScope.SERVER_WRITE)
    assert (await as_optimize(scope, sends(b"")))[0]["path"] == OPTIMIZE


async def test_large_body_is_refused() -> None:
    with pytest.raises(PayloadTooLargeError):
        await as_optimize(manage(), sends(b" " * (MAX_BODY + 1)))


@pytest.mark.parametrize(
    ("method", "path", "looked_at"),
    [("POST", MANAGE, True), ("GET", MANAGE, False), ("POST", "/models/download", False)],
)
def test_only_managing_is_looked_at(method: str, path: str, looked_at: bool) -> None:
    assert may_optimize({**manage(), "method": method, "path": path}) is looked_at
