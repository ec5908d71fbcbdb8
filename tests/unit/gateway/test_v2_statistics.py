import msgspec
import pytest

from fleetserve.errors import ModelNotFoundError, NotFoundError, UnavailableError
from fleetserve.usage import ModelUsage, Usage
from gateway.upstream.memory import Behaviour
from gateway.v2_models import V2Models
from gateway.v2_statistics import V2Statistics
from tests.unit.gateway.fleet import Fleet, announced, answering, failing, recorded


@pytest.fixture
def statistics(fleet: Fleet) -> V2Statistics:
    fleet.models.put(recorded("m"))
    return V2Statistics(fleet.table, V2Models(fleet.table, fleet.models, fleet.calls), fleet.calls)


def telling(*names: str, inputs: int = 1, revision: str = "r") -> Behaviour:
    found = [ModelUsage(name, revision, {"cpu": 10}, Usage(inputs=inputs)) for name in names]
    return answering(msgspec.json.encode(found))


async def test_replicas_are_added_up_by_model(fleet: Fleet, statistics: V2Statistics) -> None:
    fleet.add(telling("m", "example", inputs=3), announced("i1"))
    fleet.add(telling("m", inputs=4), announced("i2"))
    found = await statistics.of_all()
    assert [(one.name, one.usage.inputs) for one in found] == [("example", 3), ("m", 7)]
    assert found[1].memory == {"cpu": 20}


async def test_versions_stay_apart(fleet: Fleet, statistics: V2Statistics) -> None:
    fleet.add(telling("m", inputs=3), announced("i1"))
    fleet.add(telling("m", inputs=4, revision="old"), announced("i2"))
    assert [one.usage.inputs for one in await statistics.of_all()] == [4, 3]


async def test_one_model_is_all_0_where_nobody_has_it(
    fleet: Fleet, statistics: V2Statistics
) -> None:
    fleet.add(telling(), announced("i1"))
    found = await statistics.of("m")
    assert (found.name, found.usage, found.memory) == ("m", Usage(), {})


async def test_unknown_models_and_versions_are_told(fleet: Fleet, statistics: V2Statistics) -> None:
    fleet.add(telling("m"), announced("i1"))
    with pytest.raises(ModelNotFoundError):
        await statistics.of("nothing")
    with pytest.raises(NotFoundError, match="no version 7"):
        await statistics.of("m", "7")


@pytest.mark.parametrize("broken", [failing(sent=True), answering(b"{}", status=500)])
async def test_a_sum_without_one_of_them_is_no_answer(
    fleet: Fleet, statistics: V2Statistics, broken: Behaviour
) -> None:
    fleet.add(telling("m"), announced("i1"))
    fleet.add(broken, announced("i2"))
    with pytest.raises(UnavailableError):
        await statistics.of_all()
