import pytest
from prometheus_client import CollectorRegistry

from autoscaler_svc.chronicle import UNWRITTEN, Chronicle, Note
from autoscaler_svc.journal.base import EntryKind
from autoscaler_svc.journal.memory import MemoryJournal
from fleetserve.clock import ManualClock
from fleetserve.errors import UnavailableError
from fleetserve.metrics.requests import RequestMetrics

NOTE = Note(
    EntryKind.SCALE_UP,
    "inference-svc",
    "inference-svc",
    1,
    2,
    "panic",
    "load",
    origin="load",
    limited_by="cores",
    inputs=(("load", 9.5),),
)


@pytest.fixture
def journal() -> MemoryJournal:
    return MemoryJournal()


@pytest.fixture
def metrics() -> RequestMetrics:
    return RequestMetrics("autoscaler-svc", "a1", CollectorRegistry())


@pytest.fixture
def chronicle(journal: MemoryJournal, metrics: RequestMetrics) -> Chronicle:
    return Chronicle(journal, metrics, ManualClock(100.25))


async def test_decision_is_kept_with_all_it_was_made_from(chronicle: Chronicle) -> None:
    told = chronicle.tell(NOTE)
    (entry,) = await chronicle.read(10)
    assert entry == told == chronicle.last
    assert (entry.at_s, entry.inputs, entry.limited_by) == (100.25, {"load": 9.5}, "cores")


async def test_newest_comes_first(chronicle: Chronicle) -> None:
    ids = [chronicle.tell(NOTE).id for _ in range(3)]
    assert [entry.id for entry in await chronicle.read(2)] == ids[:0:-1]


async def test_nothing_is_lost_while_the_journal_is_away(
    chronicle: Chronicle, journal: MemoryJournal
) -> None:
    journal.away = "away"
    for _ in range(3):
        chronicle.tell(NOTE)
    await chronicle.flush()
    with pytest.raises(UnavailableError):
        await chronicle.read(10)
    journal.away = ""
    assert len(await chronicle.read(10)) == 3


async def test_what_waits_is_bounded(chronicle: Chronicle, journal: MemoryJournal) -> None:
    journal.away = "away"
    for _ in range(UNWRITTEN + 5):
        chronicle.tell(NOTE)
    journal.away = ""
    assert len(await chronicle.read(1000)) == UNWRITTEN


def test_decisions_are_counted_by_kind(chronicle: Chronicle, metrics: RequestMetrics) -> None:
    chronicle.tell(NOTE)
    chronicle.tell(NOTE)
    assert chronicle.counted[EntryKind.SCALE_UP] == 2
    assert metrics.roll_up(1).counters == {"decisions_scale_up": 2.0}
