"""Examples for the OpenAPI document, made by the code itself from a recording.

So they can't drift from what the endpoints answer.
"""

from typing import Any

from gpu_svc.advice import plan_device
from gpu_svc.api.rendering import best_answer, config_answer, detect_answer
from gpu_svc.assessment import assess
from gpu_svc.device_service import Look
from gpu_svc.estimate import Precision
from gpu_svc.hardware import Cpu, Findings, Mps, gather
from gpu_svc.probe.memory import RECORDINGS, MemoryProbe
from gpu_svc.ranking import Need
from gpu_svc.torch_builds import TorchBuild

MOMENT_S = 1_767_225_600.0  # 2026-01-01


def _look() -> Look:
    cpu = Cpu("AMD EPYC 9454", "x86_64", 16, 16.0, 128_000.0, 96_000.0, ("avx2", "avx512f"), 1.5)
    mps = Mps(available=False, reason="MPS needs macOS on Apple silicon; this is Linux on x86_64")
    gpus = Findings(MemoryProbe.from_recording(RECORDINGS / "rtx_4090.json").devices().devices)
    hardware = gather([gpus, Findings((cpu, mps))])
    torch = TorchBuild("replica inference-svc-1", "2.13.0+cu130", "13.0")
    return Look(hardware, assess(hardware.gpus, [torch], None), (), MOMENT_S)


def _content(example: dict[str, Any]) -> dict[str, Any]:
    return {"content": {"application/json": {"example": example}}}


_LOOK = _look()
_PLAN = plan_device("auto", _LOOK.hardware, _LOOK.gpus)

DETECT = _content(detect_answer(_LOOK, None).model_dump(mode="json"))
BEST = _content(best_answer(_LOOK, Need(420.0, Precision.FP16)).model_dump(mode="json"))
CONFIG = _content(config_answer(_LOOK, _PLAN, "auto").model_dump(mode="json"))
