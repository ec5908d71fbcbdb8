import pytest

from autoscaler_svc.container_clone import PROJECT_LABEL, SERVICE_LABEL, TEMPLATE_LABEL
from autoscaler_svc.orchestrator.base import MANAGED_LABEL
from autoscaler_svc.proxy.engine.memory import MemoryEngine
from autoscaler_svc.proxy.errors import EngineAwayError, RefusedError, UnknownContainerError
from autoscaler_svc.proxy.project import Project, is_managed, is_template
from tests.unit.autoscaler_svc.proxy.containers import (
    CLONE_ID,
    IMAGE,
    OTHER_ID,
    OWN_ID,
    PROJECT,
    clone,
    container,
    other,
    own,
)


@pytest.fixture
def engine() -> MemoryEngine:
    gateway = container("d" * 64, {PROJECT_LABEL: PROJECT})
    return MemoryEngine(own(), clone(), other(), gateway)


@pytest.fixture
def project(engine: MemoryEngine) -> Project:
    return Project(engine, PROJECT)


async def test_only_this_projects_replicas_are_listed(project: Project) -> None:
    assert [entry["Id"] for entry in await project.replicas()] == [OWN_ID, CLONE_ID]


async def test_replica_can_be_inspected(project: Project) -> None:
    assert (await project.replica(CLONE_ID))["Id"] == CLONE_ID


@pytest.mark.parametrize("container_id", [OTHER_ID, "d" * 64, "e" * 64])
async def test_any_other_container_is_not_there(project: Project, container_id: str) -> None:
    with pytest.raises(UnknownContainerError) as refused:
        await project.replica(container_id)
    assert refused.value.status == 404


async def test_template_is_the_fleets_own_with_all_names_of_its_image(project: Project) -> None:
    template = await project.template("inference-svc")
    assert template.inspection["Id"] == OWN_ID
    assert template.images == {IMAGE, "sha256:" + "1" * 64}


async def test_service_without_a_container_has_no_template(project: Project) -> None:
    with pytest.raises(RefusedError, match="audio-svc"):
        await project.template("audio-svc")


async def test_engine_that_fails_is_away(engine: MemoryEngine, project: Project) -> None:
    engine.away = True
    with pytest.raises(EngineAwayError):
        await project.replicas()


def test_clone_is_no_template_and_no_template_is_managed() -> None:
    labels = own()["Config"]["Labels"]
    assert is_template(labels, "inference-svc")
    assert not is_template(labels, "audio-svc")
    assert not is_template({**labels, MANAGED_LABEL: "autoscaler"}, "inference-svc")
    assert not is_template({**labels, "com.docker.compose.service": "x"}, "inference-svc")
    assert not is_template({SERVICE_LABEL: "a", TEMPLATE_LABEL: "b"}, "a")
    assert not is_managed(labels)
    assert is_managed(clone()["Config"]["Labels"])
