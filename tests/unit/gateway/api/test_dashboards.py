import httpx
import orjson
import pytest

from tests.unit.gateway.fleet import Fleet, announced, answering, failing

VIEW = orjson.dumps({"success": True, "title": "inference-svc", "links": []})


@pytest.mark.parametrize("path", ["/dashboard", "/dashboard/inference-svc", "/dashboard/gateway"])
async def test_page_is_html_with_no_address_but_its_own(
    client: httpx.AsyncClient, path: str
) -> None:
    answer = await client.get(path)
    assert answer.headers["content-type"].startswith("text/html")
    assert "://" not in answer.text


async def test_fleets_data_is_its_view(client: httpx.AsyncClient, fleet: Fleet) -> None:
    fleet.add(answering(), announced("i1"))
    body = (await client.get("/dashboard-data")).json()
    assert (body["success"], body["title"]) == (True, "Fleet")


async def test_services_data_comes_from_one_of_its_processes_with_links_to_the_others(
    client: httpx.AsyncClient, fleet: Fleet
) -> None:
    fleet.add(answering(VIEW), announced("i1"))
    fleet.add(answering(VIEW), announced("i2"))
    body = (await client.get("/dashboard-data/inference-svc?replica=i2")).json()
    assert fleet.sent_to() == ["i2"]
    paths = [link["path"] for link in body["links"]]
    assert "/dashboard/inference-svc?replica=i1" in paths
    assert "/dashboard" in paths


async def test_gateways_data_is_its_own(client: httpx.AsyncClient, fleet: Fleet) -> None:
    body = (await client.get("/dashboard-data/gateway")).json()
    assert body["title"] == "gateway"
    assert fleet.upstream.sent == []


async def test_unknown_service_is_a_404(client: httpx.AsyncClient) -> None:
    answer = await client.get("/dashboard-data/nothing")
    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"


async def test_process_that_does_not_answer_is_a_503(
    client: httpx.AsyncClient, fleet: Fleet
) -> None:
    fleet.add(failing(sent=False), announced("i1"))
    answer = await client.get("/dashboard-data/inference-svc")
    assert answer.status_code == 503
    assert "i1" in answer.json()["detail"]
