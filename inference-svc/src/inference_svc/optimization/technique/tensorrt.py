"""TensorRT through torch-tensorrt, on NVIDIA GPUs.

TensorRT 11 takes its precision from the model, so ``fp16+tensorrt`` is how it is asked for half
precision. The engine is built in a process of its own, as ``aot`` is, and kept.
Source: torch_tensorrt.dynamo.compile, torch_tensorrt.save and load.
"""

import importlib
import importlib.util
from typing import Any

import torch

from inference_svc.optimization.hardware import Hardware
from inference_svc.optimization.technique.base import Improved, Workshop
from inference_svc.optimization.technique.building import ensure_built


class TensorRt:
    name = "tensorrt"

    def unavailable(self, hardware: Hardware) -> str | None:
        if hardware.kind != "cuda":
            return "TensorRT runs on NVIDIA GPUs only"
        if importlib.util.find_spec("torch_tensorrt") is None:
            return (
                "torch-tensorrt is not installed (the CUDA image of docker-compose.gpu.yml has it)"
            )
        return None

    def apply(self, module: Any, workshop: Workshop) -> Improved:
        importlib.import_module("torch_tensorrt")  # Loading needs its operators.
        path = workshop.artefact.with_suffix(".ep")
        ensure_built(self.name, module, workshop, path)
        loaded: Any = torch.export.load(path).module()
        return Improved(loaded, bytes=path.stat().st_size)
