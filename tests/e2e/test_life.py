"""Up, up again, down; and what stops a start."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.e2e.compose_fleet import ComposeFleet

pytestmark = pytest.mark.docker


def started_at(fleet: ComposeFleet) -> dict[str, str]:
    """When each container that keeps running was started."""
    return {name: one["State"]["StartedAt"] for name, one in fleet.containers().items()}


def test_second_up_leaves_what_runs_alone(fleet: ComposeFleet) -> None:
    before = started_at(fleet)
    fleet.up()
    assert started_at(fleet) == before


def test_replica_drains_and_ends_on_its_own(fleet: ComposeFleet) -> None:
    name = f"{fleet.project}-inference-svc-1"
    # It is started again as soon as it is missed.
    with ThreadPoolExecutor(1) as threads:
        code = threads.submit(fleet.docker, "wait", name)
        fleet.docker("stop", name)
        assert code.result().strip() == "0"
    fleet.up()


def test_down_leaves_no_container_network_or_process(own_fleet: ComposeFleet) -> None:
    own_fleet.up()
    pids = own_fleet.pids()
    assert len(pids) >= len(own_fleet.containers())
    own_fleet.down()
    label = f"label=com.docker.compose.project={own_fleet.project}"
    assert own_fleet.docker("ps", "-aq", "--filter", label) == ""
    assert own_fleet.docker("network", "ls", "-q", "--filter", label) == ""
    assert [pid for pid in pids if Path(f"/proc/{pid}").exists()] == []
    # Data outlives it.
    assert f"{own_fleet.project}_models" in own_fleet.docker("volume", "ls", "--filter", label)


def test_mistake_in_the_configuration_is_told_by_init(fleet: ComposeFleet) -> None:
    told = fleet.compose(
        *("run", "--rm", "--no-deps", "-T", "-e", "FLEETSERVE_BATCH__MAX_SIZE=many", "init"),
        status=1,
    )
    assert "environment FLEETSERVE_BATCH__MAX_SIZE" in told


def test_gateway_beyond_loopback_without_auth_does_not_start(fleet: ComposeFleet) -> None:
    told = fleet.compose(
        "run", "--rm", "--no-deps", "-T", "-e", "BIND=0.0.0.0", "gateway", status=1
    )
    assert "ENABLE_AUTH=true" in told
