from fleetserve.jobs.ledger.base import Depth, LedgerUnavailableError
from gateway.jobs.gauge import JobGauge, prometheus_text
from tests.unit.gateway.jobs.conftest import Office


async def test_depth_is_the_ledgers(office: Office) -> None:
    office.take()
    office.take()
    office.claim()
    depth = await JobGauge(office.ledger).depth()
    assert depth == Depth(queued=1, running=1)
    assert 'fleetserve_jobs{state="queued"} 1' in prometheus_text(depth)


async def test_while_redis_is_away_it_is_not_known(office: Office) -> None:
    def away() -> Depth:
        raise LedgerUnavailableError("away")

    office.ledger.depth = away  # type: ignore[method-assign]
    depth = await JobGauge(office.ledger).depth()
    assert depth is None
    assert prometheus_text(depth) == ""
