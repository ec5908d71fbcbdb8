import pytest

from fleetserve.clock import ManualClock
from model_registry_svc.plan import DownloadPlan, DownloadRequest
from model_registry_svc.planner import Planner
from model_registry_svc.progress import DownloadProgress, ProgressReport
from model_registry_svc.resolving import resolve_patiently
from model_registry_svc.source.base import RepositoryNotFoundError, SourceBusyError
from tests.unit.model_registry_svc.conftest import FreeWatch

REQUEST = DownloadRequest("m", "huggingface", "org/m")
PLAN = DownloadPlan("rev", "fill-mask", ())


class ScriptedPlanner(Planner):
    def __init__(self, *outcomes: Exception | DownloadPlan) -> None:
        super().__init__({})
        self.outcomes = list(outcomes)

    def plan(self, request: DownloadRequest) -> DownloadPlan:
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


@pytest.fixture
def progress(clock: ManualClock) -> DownloadProgress:
    return DownloadProgress(clock, ProgressReport())


def test_busy_source_is_asked_again_after_what_it_wants(
    watch: FreeWatch, progress: DownloadProgress
) -> None:
    planner = ScriptedPlanner(SourceBusyError("busy", retry_after_s=7.0), PLAN)
    assert resolve_patiently(planner, REQUEST, watch, progress) is PLAN
    assert watch.pauses == [7.0]
    assert progress.snapshot().message == "busy Trying again in 7 s."


def test_source_that_stays_busy_is_given_up(watch: FreeWatch, progress: DownloadProgress) -> None:
    planner = ScriptedPlanner(*[SourceBusyError("busy")] * 20)
    with pytest.raises(SourceBusyError):
        resolve_patiently(planner, REQUEST, watch, progress)
    assert len(watch.pauses) == 9


def test_final_word_is_not_asked_for_again(watch: FreeWatch, progress: DownloadProgress) -> None:
    planner = ScriptedPlanner(RepositoryNotFoundError("none"))
    with pytest.raises(RepositoryNotFoundError):
        resolve_patiently(planner, REQUEST, watch, progress)
    assert watch.pauses == []
