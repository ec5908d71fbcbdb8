import pytest
from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families

from fleetserve.jobs.ledger.base import Job
from fleetserve.jobs.ledger.memory import MemoryLedger
from gateway.fleet_metrics import FleetMetrics
from gateway.jobs.gauge import JobGauge
from gateway.replica_table import STALE_S
from gateway.upstream.memory import Behaviour
from tests.unit.gateway.fleet import Fleet, announced, answering, failing

PAGE = b"""# HELP fleetserve_requests_total Requests by route and status.
# TYPE fleetserve_requests_total counter
fleetserve_requests_total{route="/predict",status="200"} 7.0
# HELP fleetserve_queue_depth queue depth
# TYPE fleetserve_queue_depth gauge
fleetserve_queue_depth 3.0
"""


async def read(fleet: Fleet) -> dict[tuple[str, str, str], float]:
    """Values by sample, service and replica."""
    jobs = JobGauge(MemoryLedger(fleet.clock))
    page = await FleetMetrics(fleet.table, fleet.calls, jobs, fleet.runtime).page()
    return {
        (sample.name, sample.labels["service"], sample.labels["replica"]): sample.value
        for family in text_string_to_metric_families(page.decode())
        for sample in family.samples
        if sample.labels.get("route", "/predict") == "/predict"
    }


async def test_page_has_every_process_told_apart_by_its_labels(fleet: Fleet) -> None:
    fleet.runtime.metrics.record("/predict", 200, 0.1)
    fleet.add(answering(PAGE), announced("i1"))
    fleet.add(answering(PAGE.replace(b"7.0", b"9.0")), announced("i2"))
    values = await read(fleet)
    requests = "fleetserve_requests_total"
    assert values[requests, "inference-svc", "i1"] == 7
    assert values[requests, "inference-svc", "i2"] == 9
    assert values[requests, "gateway", "g1"] == 1
    assert values["fleetserve_queue_depth", "inference-svc", "i1"] == 3
    assert values["fleetserve_up", "inference-svc", "i2"] == 1
    assert values["fleetserve_up", "gateway", "g1"] == 1
    assert {r.target for r in fleet.upstream.sent} == {"/metrics"}


@pytest.mark.parametrize(
    "behaviour", [failing(sent=False), answering(status=500)], ids=["refused", "ill"]
)
async def test_process_that_does_not_answer_is_down_and_the_rest_is_there(
    fleet: Fleet, behaviour: Behaviour
) -> None:
    fleet.add(behaviour, announced("dead"))
    fleet.add(answering(PAGE), announced("i1"))
    values = await read(fleet)
    assert values["fleetserve_up", "inference-svc", "dead"] == 0
    assert values["fleetserve_up", "inference-svc", "i1"] == 1


async def test_gateway_does_not_ask_itself(fleet: Fleet) -> None:
    fleet.add(answering(PAGE), announced("g1", service="gateway"))
    await read(fleet)
    assert fleet.upstream.sent == []


async def test_worker_without_an_address_is_up_as_long_as_it_is_heard(fleet: Fleet) -> None:
    worker = replace(announced("w1", service="jobs-worker"), address="")
    fleet.table.update(worker)
    assert (await read(fleet))["fleetserve_up", "jobs-worker", "w1"] == 1
    await fleet.clock.advance(STALE_S)
    assert (await read(fleet))["fleetserve_up", "jobs-worker", "w1"] == 0
    assert fleet.upstream.sent == []


async def test_page_tells_how_many_jobs_wait(fleet: Fleet) -> None:
    ledger = MemoryLedger(fleet.clock)
    ledger.insert(Job("a", "request", "a", b"{}"))
    page = await FleetMetrics(fleet.table, fleet.calls, JobGauge(ledger), fleet.runtime).page()
    found = [line for line in page.decode().splitlines() if line.startswith("fleetserve_jobs{")]
    assert sorted(line.rpartition(" ")[2] for line in found) == ["0.0", "1.0"]
    assert all('service="gateway"' in line for line in found)
