"""AOTInductor: compiled once, in a process of its own, and then loaded in 20 ms."""

import shutil
from pathlib import Path
from typing import Any

import torch

from inference_svc.optimization.hardware import Hardware, missing_compiler
from inference_svc.optimization.technique.base import Improved, Workshop
from inference_svc.optimization.technique.building import ensure_built

_MAPS = Path("/proc/self/maps")


class Aot:
    name = "aot"

    def unavailable(self, hardware: Hardware) -> str | None:
        if hardware.kind == "mps":
            return "AOTInductor for MPS is not tried here"
        return missing_compiler()

    def apply(self, module: Any, workshop: Workshop) -> Improved:
        path = workshop.artefact.with_suffix(".pt2")
        ensure_built(self.name, module, workshop, path)
        loaded: Any = torch._inductor.aoti_load_package(  # noqa: SLF001 - its documented place
            str(path), run_single_threaded=True
        )
        _forget_unpacked()
        return Improved(loaded, bytes=path.stat().st_size)


def _forget_unpacked() -> None:
    """Removes the files that were unpacked to be loaded; what is mapped stays.

    torch removes them at the end of the process, which a killed one does not reach.
    """
    if not _MAPS.exists():
        return
    for line in _MAPS.read_text().splitlines():
        path = Path(line.partition("/")[1] + line.partition("/")[2])
        for parent in path.parents:
            if parent.name.startswith("aotinductor_"):
                shutil.rmtree(parent, ignore_errors=True)
