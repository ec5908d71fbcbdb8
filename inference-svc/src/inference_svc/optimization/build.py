"""``python -m inference_svc.optimization.build JOB``: compiles a module and writes its artefact.

A process of its own, at the lowest priority, that ends when its standard input does.
"""

import importlib
import os
import sys
import threading
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

# A module names its attention, which has to be known in this process too.
import inference_svc.text_attention  # noqa: F401
from inference_svc.optimization.library_path import avoid_spaces

_NICE = 10
Call = tuple[tuple[Any, ...], dict[str, Any]]


def main(job_file: str) -> None:
    """Writes the artefact that the job asks for. Raises: what the compilers raise."""
    threading.Thread(target=_end_with_input, daemon=True).start()
    os.nice(_NICE)
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    avoid_spaces()
    # Written a moment ago by the replica that started this.
    job = torch.load(job_file, weights_only=False)
    _BUILDERS[job["technique"]](job["module"], job["calls"], Path(job["path"]))


def export(module: Any, calls: Sequence[Call]) -> Any:
    """The exported program, for any batch size and length.

    What differs between calls is dynamic; an example with one input would be taken for a rule.
    """
    args, kwargs = max(calls, key=lambda call: _rows(call))
    shapes: Any = torch.utils._pytree.tree_map(_dynamic, (args, kwargs))  # noqa: SLF001
    named = {**dict(enumerate(shapes[0])), **shapes[1]} if not args else None
    with torch.no_grad():
        return torch.export.export(
            module, args, kwargs, dynamic_shapes=named or [*shapes[0], *shapes[1].values()]
        )


def _dynamic(value: Any) -> Any:
    if not isinstance(value, torch.Tensor):
        return None
    dims = min(value.dim(), 2) if not value.is_floating_point() else 1
    return dict.fromkeys(range(dims), torch.export.Dim.AUTO)


def _rows(call: Call) -> int:
    tensors = [v for v in (*call[0], *call[1].values()) if isinstance(v, torch.Tensor)]
    return min((int(t.shape[0]) for t in tensors if t.dim()), default=0)


def _aot(module: Any, calls: Sequence[Call], path: Path) -> None:
    torch._inductor.aoti_compile_and_package(  # noqa: SLF001 - its documented place
        export(module, calls), package_path=str(path)
    )


def _tensorrt(module: Any, calls: Sequence[Call], path: Path) -> None:
    # No dependency: it exists for CUDA only, and the CUDA images add it.
    torch_tensorrt = importlib.import_module("torch_tensorrt")
    args, kwargs = max(calls, key=lambda call: _rows(call))
    made = torch_tensorrt.dynamo.compile(
        export(module, calls), arg_inputs=args, kwarg_inputs=kwargs, use_explicit_typing=True
    )
    torch_tensorrt.save(made, str(path), arg_inputs=args, kwarg_inputs=kwargs)


_BUILDERS: dict[str, Callable[[Any, Sequence[Call], Path], None]] = {
    "aot": _aot,
    "tensorrt": _tensorrt,
}


def _end_with_input() -> None:
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    main(sys.argv[1])
