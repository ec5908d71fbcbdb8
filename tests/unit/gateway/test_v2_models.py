import orjson
import pytest
from msgspec.structs import replace

from fleetserve.announcements import InstanceState, ModelInstance
from fleetserve.errors import (
    ConflictError,
    InvalidFieldError,
    ModelNotFoundError,
    NotFoundError,
    UnavailableError,
)
from fleetserve.model_records import ModelState
from gateway.v2_models import AUTOSCALER, V2Models
from tests.unit.gateway.fleet import Fleet, announced, answering, recorded

TASK = "text-classification"


@pytest.fixture
def models(fleet: Fleet) -> V2Models:
    fleet.models.put(recorded("m", task=TASK))
    return V2Models(fleet.table, fleet.models, fleet.calls)


def add(fleet: Fleet, state: InstanceState | None = None) -> None:
    instances = (ModelInstance("m", "r", state),) if state is not None else ()
    fleet.add(answering(), replace(announced("i1"), models=instances))


def autoscaler(fleet: Fleet, status: int = 200, **told: object) -> None:
    fleet.add(
        answering(orjson.dumps(told), status=status), announced("autoscaler", service=AUTOSCALER)
    )


@pytest.mark.parametrize(
    ("state", "ready"),
    [
        (None, True),
        (InstanceState.LOADING, True),
        (InstanceState.READY, True),
        (InstanceState.FAILED, False),
    ],
)
async def test_model_is_ready_where_a_request_would_be_served(
    models: V2Models, fleet: Fleet, state: InstanceState | None, ready: bool
) -> None:
    add(fleet, state)
    assert await models.is_ready("m", "") is ready


async def test_without_a_replica_nothing_is_ready(models: V2Models) -> None:
    assert await models.can_serve() is False
    assert await models.is_ready("m", "") is False


@pytest.mark.parametrize("asleep", [True, False])
async def test_replicas_that_a_request_wakes_are_as_good(
    models: V2Models, fleet: Fleet, asleep: bool
) -> None:
    names = ["inference-svc"] if asleep else []
    autoscaler(fleet, healthy=True, state="running", components={}, asleep=names)
    assert await models.can_serve() is asleep


async def test_model_on_its_way_is_not_ready(models: V2Models, fleet: Fleet) -> None:
    add(fleet)
    fleet.models.put(recorded("m", task=TASK, state=ModelState.DOWNLOADING))
    assert await models.is_ready("m", "") is False


def test_what_v2_does_not_serve_is_told(models: V2Models, fleet: Fleet) -> None:
    fleet.models.put(recorded("voice", task="text-to-speech"))
    with pytest.raises(ModelNotFoundError):
        models.find("nothing")
    with pytest.raises(NotFoundError, match="no version 9"):
        models.find("m", "9")
    with pytest.raises(InvalidFieldError, match="text-to-speech"):
        models.find("voice")
    assert [entry.record.name for entry in models.index()] == ["example", "m"]


@pytest.mark.parametrize(
    ("state", "loaded", "reason"),
    [
        (InstanceState.READY, True, ""),
        (InstanceState.LOADING, False, "loading"),
        (None, False, "unloaded; the first request loads it"),
    ],
)
def test_index_says_why_a_model_is_not_loaded(
    models: V2Models, fleet: Fleet, state: InstanceState | None, loaded: bool, reason: str
) -> None:
    add(fleet, state)
    entry = next(e for e in models.index() if e.record.name == "m")
    assert (entry.loaded, entry.reason) == (loaded, reason)


async def test_autoscaler_is_asked_to_load_and_unload(models: V2Models, fleet: Fleet) -> None:
    autoscaler(fleet)
    await models.load("m")
    await models.unload("m")
    sent = [(request.method, request.target) for request in fleet.upstream.sent]
    assert [method for method, _ in sent] == ["POST", "POST"]
    assert "action=load_model&models=m&wait=true" in sent[0][1]
    assert "action=unload_model&models=m&wait=true" in sent[1][1]


async def test_loaded_model_is_not_loaded_again(models: V2Models, fleet: Fleet) -> None:
    add(fleet, InstanceState.READY)
    await models.load("m")
    assert fleet.upstream.sent == []


@pytest.mark.parametrize(
    ("status", "error"), [(404, NotFoundError), (409, ConflictError), (504, UnavailableError)]
)
async def test_what_the_autoscaler_refuses_is_passed_on(
    models: V2Models, fleet: Fleet, status: int, error: type[Exception]
) -> None:
    autoscaler(fleet, status, detail="No.", code="some_code")
    with pytest.raises(error, match=r"No\."):
        await models.unload("m")


async def test_without_an_autoscaler_nothing_is_placed(models: V2Models) -> None:
    with pytest.raises(UnavailableError, match="places models"):
        await models.load("m")
