from dataclasses import replace

import pytest

from fleetserve.devices import DeviceNotAvailableError
from gpu_svc.advice import DevicePlan, plan_device, why_missing
from gpu_svc.assessment import assess
from gpu_svc.hardware import Findings, Hardware, Mps, gather
from gpu_svc.probe.memory import RECORDINGS, MemoryProbe
from gpu_svc.torch_builds import TorchBuild
from tests.unit.gpu_svc.conftest import CPU, CPU_BUILD, CUDA_BUILD, NO_MPS

APPLE = Mps(available=True, name="Apple M2 Pro", memory_mb=16_384.0)


def hardware(recording: str | None, mps: Mps = NO_MPS) -> Hardware:
    gpus = MemoryProbe.from_recording(RECORDINGS / f"{recording}.json") if recording else None
    found = gpus.devices() if gpus else Findings(note="NVML: Driver Not Loaded")
    return gather([found, Findings((CPU, mps))])


def plan(
    requested: str, recording: str | None, mps: Mps = NO_MPS, build: TorchBuild = CUDA_BUILD
) -> DevicePlan:
    machine = hardware(recording, mps)
    return plan_device(requested, machine, assess(machine.gpus, [build], None))


@pytest.mark.parametrize(
    ("requested", "recording", "mps", "expected"),
    [
        ("auto", "h200", NO_MPS, "cuda:0"),
        ("auto", None, NO_MPS, "cpu"),
        ("auto", None, APPLE, "mps"),
        ("cpu", "h200", NO_MPS, "cpu"),
        ("cuda", "two_unequal", NO_MPS, "cuda:1"),
        ("cuda:0", "two_unequal", NO_MPS, "cuda:0"),
        ("mps", None, APPLE, "mps"),
    ],
)
def test_device_is_what_was_asked_for(
    requested: str, recording: str | None, mps: Mps, expected: str
) -> None:
    assert plan(requested, recording, mps).pytorch_device == expected


@pytest.mark.parametrize(
    ("requested", "recording", "reason"),
    [
        ("cuda", None, "Driver Not Loaded"),
        ("cuda:1", "t4", "Devices here: cuda:0, cpu"),
        ("mps", "t4", "MPS needs macOS"),
    ],
)
def test_a_missing_device_is_an_error_with_its_reason(
    requested: str, recording: str | None, reason: str
) -> None:
    with pytest.raises(DeviceNotAvailableError, match=reason):
        plan(requested, recording)


def test_gpu_that_torch_cannot_use_is_not_picked() -> None:
    assert plan("auto", "h200", build=CPU_BUILD).pytorch_device == "cpu"
    with pytest.raises(DeviceNotAvailableError, match="build without CUDA"):
        plan("cuda", "h200", build=CPU_BUILD)


@pytest.mark.parametrize(
    ("recording", "bf16", "fp16", "torch_compile"),
    [("h200", True, False, True), ("t4", False, True, True), (None, False, False, False)],
)
def test_precision_follows_the_device(
    recording: str | None, bf16: bool, fp16: bool, torch_compile: bool
) -> None:
    found = plan("auto", recording)
    assert (found.uses("bf16"), found.uses("fp16")) == (bf16, fp16)
    assert found.uses("torch_compile") is torch_compile


def test_every_setting_is_judged_with_a_reason_on_every_device() -> None:
    for found in (plan("auto", "t4"), plan("auto", None), plan("auto", None, APPLE)):
        settings = {advice.setting for advice in found.settings}
        assert settings == {"bf16", "fp16", "int8", "tensorrt", "torch_compile"}
        assert all(advice.reason for advice in found.settings)


def test_room_is_what_is_free_without_reserve_and_overhead() -> None:
    memory = plan("cpu", None).memory
    assert memory.available_mb == 16_000.0
    assert memory.room_for_models_mb == 16_000.0 - memory.reserve_mb - memory.overhead_mb


def test_memory_that_is_not_told_stays_unknown() -> None:
    machine = replace(hardware(None), cpu=replace(CPU, available_memory_mb=None))
    assert plan_device("cpu", machine, ()).memory.room_for_models_mb is None


def test_nothing_is_missing_where_all_is_there() -> None:
    machine = hardware("t4", APPLE)
    assert why_missing(machine, assess(machine.gpus, [CUDA_BUILD], None)) == {}
