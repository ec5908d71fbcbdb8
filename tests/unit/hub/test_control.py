import base64

import httpx

from tests.hub import HubServer
from tests.unit.hub.conftest import MODEL


def test_faults_and_requests_by_http(hub: HubServer, client: httpx.Client) -> None:
    fault = {"kind": "status", "status": 429, "retry_after_s": 3, "path": "*config.json"}
    assert client.post("/_hub/faults", json=fault).status_code == 201
    assert client.get("/_hub/faults").json()[0]["status"] == 429
    assert client.get(f"/{MODEL}/resolve/main/config.json").status_code == 429
    requests = client.get("/_hub/requests").json()
    assert [(r["status"], r["file"]) for r in requests] == [(429, "config.json")]
    client.delete("/_hub/requests")
    assert client.get("/_hub/requests").json() == []
    client.post("/_hub/faults", json=fault)
    client.delete("/_hub/faults")
    assert client.get(f"/{MODEL}/resolve/main/config.json").status_code == 200


def test_wrong_fault_is_422(client: httpx.Client) -> None:
    assert client.post("/_hub/faults", json={"kind": "burn"}).status_code == 422


def test_push_by_http(hub: HubServer, client: httpx.Client) -> None:
    old = hub.repos()[0].sha
    body = {"repo": MODEL, "files": {"new.txt": base64.b64encode(b"hi").decode()}}
    sha = client.post("/_hub/push", json=body).json()["sha"]
    assert sha != old
    assert client.get(f"/{MODEL}/resolve/main/new.txt").content == b"hi"
    assert client.post("/_hub/push", json={"repo": MODEL, "alter": ["new.txt"]}).status_code == 201
    assert client.get(f"/{MODEL}/resolve/{sha}/new.txt").content == b"hi"
    assert client.get("/_hub/repos").json()[0]["id"] == MODEL
    assert client.post("/_hub/push", json={"repo": "no/repo"}).status_code == 404
