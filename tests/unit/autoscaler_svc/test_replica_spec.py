import pytest

from autoscaler_svc.bounds import Room
from autoscaler_svc.census import MemberState
from autoscaler_svc.replica_spec import on_gpu, spec_for
from tests.unit.autoscaler_svc.fleet_parts import INFERENCE, member

CPU = Room(cores=8, free_mb=-1, gpus=0)


@pytest.mark.parametrize(("others", "threads"), [(0, "8"), (1, "4"), (3, "2"), (20, "1")])
def test_replica_gets_its_share_of_the_cores(others: int, threads: str) -> None:
    members = [member(f"r{i}") for i in range(others)]
    spec = spec_for(INFERENCE, members, CPU, share_cores=True)
    assert spec.environment == {"TORCH_THREADS": threads}


def test_those_that_leave_take_no_share() -> None:
    members = [member("a"), member("b", MemberState.LEAVING)]
    spec = spec_for(INFERENCE, members, CPU, share_cores=True)
    assert spec.environment["TORCH_THREADS"] == "4"


def test_threads_set_by_hand_stay() -> None:
    assert spec_for(INFERENCE, [], CPU, share_cores=False).environment == {}


def test_replica_gets_the_gpu_with_the_fewest() -> None:
    members = [
        member("a", device="cuda:0", managed=False),
        member("b", device="cuda:0", gpu="2"),
        member("c", device="cuda:0", gpu="2"),
    ]
    spec = spec_for(INFERENCE, members, Room(64, -1, 3), share_cores=True)
    assert spec.environment == {"CUDA_VISIBLE_DEVICES": "1"}


def test_only_gpu_needs_not_be_named() -> None:
    members = [member("a", device="cuda:0")]
    assert spec_for(INFERENCE, members, Room(8, -1, 1), share_cores=True).environment == {}


def test_device_tells_where_replicas_compute() -> None:
    assert on_gpu([member("a"), member("b", device="cuda:1")])
    assert not on_gpu([member("a"), member("b", MemberState.STARTING)])
