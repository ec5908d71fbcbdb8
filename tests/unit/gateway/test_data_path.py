from fleetserve.asgi import Scope
from fleetserve.tasks import AUDIO_SERVICE
from gateway.data_path import DataPath, Timeouts
from gateway.forwarder import BACKGROUND
from tests.unit.gateway.fleet import Client, Fleet, announced, answering


class Open:
    async def admit_token(self, scope: Scope, token: str | None) -> None:
        return


def test_routes_have_their_timeouts_and_services() -> None:
    routes = Timeouts(1.0, 2.0).routes()
    assert {r.path: (r.service, r.timeout_s) for r in routes.values()} == {
        "/predict": (None, 1.0),
        "/synthesize": (AUDIO_SERVICE, 2.0),
        "/transcribe": (AUDIO_SERVICE, 2.0),
    }


async def test_request_goes_all_the_way_below_the_priority_of_any_that_is_waited_for(
    fleet: Fleet,
) -> None:
    path = DataPath(fleet.runtime, lambda: fleet.upstream)
    fleet.upstream.behaviours["http://i1"] = answering(b"done")
    path.table.update(announced())
    forwarder = path.forwarder(path.carrier(), Open(), Timeouts(1.0, 1.0), priority=BACKGROUND)
    headers = {"content-type": "application/json"}
    body = b'{"model_name":"example","inputs":[1],"priority":10}'
    client = await Client(forwarder).send("POST", "/predict", body, headers)
    assert (client.status, client.body) == (200, b"done")
    assert fleet.upstream.sent[0].headers["x-fleet-priority"] == "-1"
