from gpu_svc.hardware import Findings, gather
from tests.unit.gpu_svc.conftest import CPU, NO_MPS


def test_gather_sorts_devices_by_kind_and_keeps_notes() -> None:
    found = gather([Findings(note="no driver"), Findings((CPU, NO_MPS))])
    assert (found.gpus, found.cpu, found.mps) == ((), CPU, NO_MPS)
    assert found.notes == ("no driver",)
