import httpx
import pytest

from fleetserve.auth.scopes import SIGNED_IN, RouteScopes
from gateway.api.v2_unoffered import UNOFFERED

ROUTES = [(m, f"/v2{path}", why) for path, (why, methods) in UNOFFERED.items() for m in methods]


@pytest.mark.parametrize(("method", "path", "why"), ROUTES)
async def test_each_says_why_in_v2s_shape(
    client: httpx.AsyncClient, method: str, path: str, why: str
) -> None:
    answer = await client.request(method, path.format(model="example", name="r"))
    assert (answer.status_code, answer.json()) == (400, {"error": why})


@pytest.mark.parametrize(("method", "path", "why"), ROUTES)
def test_everybody_who_is_signed_in_may_hear_it(method: str, path: str, why: str) -> None:
    assert RouteScopes().access(method, path.format(model="m", name="r")) == SIGNED_IN
