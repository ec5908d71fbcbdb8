from collections.abc import Callable

import pytest

from fleetserve.announcements import InstanceState, ModelInstance
from fleetserve.errors import DoesNotFitError, InvalidFieldError, UpstreamError
from fleetserve.manifest import Manifest
from model_registry_svc.fleet_calls.base import NoAnswerError
from model_registry_svc.fleet_calls.memory import MemoryFleetCalls
from model_registry_svc.replicas import ReplicaBoard
from model_registry_svc.trial import MAX_REPLICAS_LOST, Trial
from tests.unit.model_registry_svc.conftest import FreeWatch

Announce = Callable[..., None]
MANIFEST = Manifest("m", "huggingface", "org/m", "new", "fill-mask", (), 100, 0.0)
SERVES = ModelInstance("m", "old", InstanceState.READY)


@pytest.fixture
def calls() -> MemoryFleetCalls:
    return MemoryFleetCalls()


@pytest.fixture
def trial(board: ReplicaBoard, calls: MemoryFleetCalls) -> Trial:
    return Trial(board, calls)


def test_revision_is_tried_where_the_model_serves_and_takes_over_there(
    trial: Trial, calls: MemoryFleetCalls, announce: Announce, watch: FreeWatch
) -> None:
    announce("a", room_bytes=10**9)
    announce("b", SERVES, room_bytes=0)
    calls.slow = 2
    tried = trial.stage(MANIFEST, watch)
    assert tried is not None
    trial.take_over(tried)
    assert calls.made == [*[("stage", "b", "m@new")] * 3, ("load", "b", "m@new")]
    assert len(watch.pauses) == 2


def test_model_that_is_loaded_nowhere_is_tried_and_let_go_of(
    trial: Trial, calls: MemoryFleetCalls, announce: Announce, watch: FreeWatch
) -> None:
    announce("a", room_bytes=10)
    announce("b", room_bytes=10**9)
    tried = trial.stage(MANIFEST, watch)
    assert tried is not None
    trial.take_over(tried)
    assert calls.made == [("stage", "b", "m@new"), ("unload", "b", "m@new")]


def test_without_a_replica_nothing_is_tried(trial: Trial, watch: FreeWatch) -> None:
    assert trial.stage(MANIFEST, watch) is None


@pytest.mark.parametrize("error", [UpstreamError("cut"), DoesNotFitError("too large")])
def test_revision_that_cannot_be_loaded_says_why(
    trial: Trial,
    calls: MemoryFleetCalls,
    announce: Announce,
    watch: FreeWatch,
    error: UpstreamError | DoesNotFitError,
) -> None:
    announce("a", SERVES)
    calls.failures["m@new"] = error
    with pytest.raises(type(error), match=error.detail):
        trial.stage(MANIFEST, watch)
    assert calls.made[-1] == ("unload", "a", "m@new")


def test_replica_that_dies_over_it_is_asked_once_more(
    trial: Trial, calls: MemoryFleetCalls, announce: Announce, watch: FreeWatch
) -> None:
    announce("a", SERVES)
    calls.failures["a"] = NoAnswerError("a does not answer")
    with pytest.raises(NoAnswerError):
        trial.stage(MANIFEST, watch)
    assert calls.made == [("stage", "a", "m@new")] * MAX_REPLICAS_LOST


@pytest.mark.parametrize("serves", [False, True])
def test_task_without_an_engine_is_refused_only_where_the_model_serves(
    trial: Trial, calls: MemoryFleetCalls, announce: Announce, watch: FreeWatch, serves: bool
) -> None:
    announce("a", *([SERVES] if serves else []))
    calls.failures["m@new"] = InvalidFieldError("model_name", "no engine here")
    if not serves:
        assert trial.stage(MANIFEST, watch) is None
        return
    with pytest.raises(InvalidFieldError):
        trial.stage(MANIFEST, watch)
