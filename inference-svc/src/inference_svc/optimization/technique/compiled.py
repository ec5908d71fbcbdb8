"""torch.compile, in the process that serves.

Tracing holds Python's lock, which a forward pass wants again after each of its kernels, so what is
served meanwhile gets slower: on CPUs ``aot`` is the better way to the same compiler, and this is
only tried when it is asked for.
"""

from typing import Any

import torch

from inference_svc.optimization.hardware import Hardware, missing_compiler
from inference_svc.optimization.library_path import avoid_spaces
from inference_svc.optimization.technique.base import Improved, Workshop


class Compiled:
    name = "compile"

    def unavailable(self, hardware: Hardware) -> str | None:
        return missing_compiler() if hardware.kind == "cpu" else None

    def apply(self, module: Any, workshop: Workshop) -> Improved:
        avoid_spaces()
        faster: Any = torch.compile(module, dynamic=True)
        # Compiled for every shape that is to come: one input and several are compiled apart.
        with torch.inference_mode():
            for call in workshop.calls:
                faster(*call.args, **call.kwargs)
        return Improved(faster)
