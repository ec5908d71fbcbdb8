import pytest

from fleetserve.clock import ManualClock
from fleetserve.errors import UnavailableError
from fleetserve.replica.models import HandleState, Loaded, ModelHandle, ModelSpec


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(10.0)


@pytest.fixture
def handle(clock: ManualClock) -> ModelHandle[str]:
    return ModelHandle(ModelSpec("m", "r1", "tensor", expected_bytes=100), clock)


def test_a_model_that_loads_counts_what_is_expected_of_it(handle: ModelHandle[str]) -> None:
    assert (handle.state, handle.bytes) == (HandleState.LOADING, 100)
    with pytest.raises(UnavailableError, match="loading"), handle:
        pass
    assert handle.refs == 0


def test_a_ready_model_has_its_measured_bytes(handle: ModelHandle[str]) -> None:
    handle.became_ready(Loaded("model", 80, "float32"), load_s=1.5)
    assert (handle.state, handle.bytes, handle.dtype) == (HandleState.READY, 80, "float32")
    assert handle.load_s == 1.5


def test_use_is_counted_and_the_idle_clock_starts_at_the_end(
    handle: ModelHandle[str], clock: ManualClock
) -> None:
    handle.became_ready(Loaded("model", 80), load_s=0.0)
    with handle as model:
        assert (model, handle.refs) == ("model", 1)
        clock.move(5.0)
    assert (handle.refs, handle.last_used_s) == (0, 15.0)


def test_use_that_fails_is_given_back(handle: ModelHandle[str]) -> None:
    handle.became_ready(Loaded("model", 80), load_s=0.0)
    with pytest.raises(KeyError), handle:
        raise KeyError
    assert handle.refs == 0


def test_the_last_one_out_tells_who_waits_for_it(handle: ModelHandle[str]) -> None:
    handle.became_ready(Loaded("model", 80), load_s=0.0)
    told: list[int] = []
    with handle:
        with handle:
            handle.when_idle = lambda: told.append(handle.refs)
        assert told == []
    assert told == [0]


def test_a_failed_model_takes_no_room(handle: ModelHandle[str], clock: ManualClock) -> None:
    clock.move(1.0)
    handle.became_failed(ValueError("bad file"))
    assert (handle.state, handle.bytes, handle.failed_s) == (HandleState.FAILED, 0, 11.0)


def test_a_model_given_up_is_gone(handle: ModelHandle[str]) -> None:
    handle.became_ready(Loaded("model", 80), load_s=0.0)
    assert handle.let_go() == "model"
    assert handle.state is HandleState.GONE
    with pytest.raises(UnavailableError):
        handle.let_go()
