from fleetserve.asgi import Receive, Scope, Send
from fleetserve.config import ServerConfig
from gateway.data_path import DataPath
from gateway.data_routes import MATCH, RouteTable, data_routes
from gateway.forwarder import BACKGROUND
from tests.unit.gateway.fleet import Client, Fleet, announced, answering


class Open:
    async def admit_token(self, scope: Scope, token: str | None) -> None:
        return


async def test_request_goes_all_the_way_below_the_priority_of_any_that_is_waited_for(
    fleet: Fleet,
) -> None:
    path = DataPath(fleet.runtime, lambda: fleet.upstream)
    fleet.upstream.behaviours["http://i1"] = answering(b"done")
    path.table.update(announced())
    forwarder = path.forwarder(path.carrier(), Open(), priority=BACKGROUND)
    match = RouteTable(data_routes(ServerConfig())).find("/predict")

    async def routed(scope: Scope, receive: Receive, send: Send) -> None:
        await forwarder({**scope, MATCH: match}, receive, send)

    headers = {"content-type": "application/json"}
    body = b'{"model_name":"example","inputs":[1],"priority":10}'
    client = await Client(routed).send("POST", "/predict", body, headers)
    assert (client.status, client.body) == (200, b"done")
    assert fleet.upstream.sent[0].headers["x-fleet-priority"] == "-1"
