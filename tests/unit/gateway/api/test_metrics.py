import httpx

from tests.unit.gateway.fleet import Fleet, announced, answering


async def test_page_is_prometheus_text_of_the_whole_fleet(
    client: httpx.AsyncClient, fleet: Fleet
) -> None:
    fleet.add(answering(b"fleetserve_x 1\n"), announced("i1"))
    answer = await client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    assert 'fleetserve_x{replica="i1",service="inference-svc"} 1.0' in answer.text
    assert 'fleetserve_up{replica="i1",service="inference-svc"} 1.0' in answer.text
