"""Compiled artefacts, made by a process of their own so that requests keep their core and lock."""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import structlog
import torch

from inference_svc.optimization.technique.base import UnavailableTechniqueError, Workshop

log = structlog.get_logger(__name__)

JOB_FILE = "job.pt"
LONGEST_S = 1800.0
_TOLD_CHARS = 300


def ensure_built(technique: str, module: Any, workshop: Workshop, path: Path) -> None:
    """Makes the artefact if it is missing and may be made.

    Raises: UnavailableTechniqueError: it is missing and may not, or can't, be made.
    """
    if path.is_file():
        return
    if not workshop.build:
        raise UnavailableTechniqueError(f"its compiled code is not in the cache ({path.name})")
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".build-", dir=path.parent) as folder:
        made = Path(folder, path.name)
        job = {
            "technique": technique,
            "module": module,
            "calls": [(call.args, dict(call.kwargs)) for call in workshop.calls],
            "path": str(made),
        }
        torch.save(job, Path(folder, JOB_FILE))
        _run(Path(folder, JOB_FILE))
        made.replace(path)
    log.info("artefact.built", technique=technique, path=str(path), bytes=path.stat().st_size)


def _run(job: Path) -> None:
    """Raises: UnavailableTechniqueError: with the last line of what it said."""
    command = [sys.executable, "-m", "inference_svc.optimization.build", str(job)]
    said = job.with_name("said")
    # It ends when its input does, which is when this process ends, however.
    with (
        said.open("wb") as output,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=output, stderr=output) as process,  # noqa: S603
    ):
        try:
            status = process.wait(LONGEST_S)
        except subprocess.TimeoutExpired:
            process.kill()
            raise UnavailableTechniqueError(f"compiling took over {LONGEST_S:.0f} s") from None
    if status != 0:
        reason = _reason(said.read_text(errors="replace")) or f"the compiler ended with {status}"
        raise UnavailableTechniqueError(f"it can't be compiled: {reason}")


def _reason(told: str) -> str:
    """The last line that speaks of an error, else the last one."""
    lines = [line.strip() for line in told.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower()]
    return (errors or lines or [""])[-1][:_TOLD_CHARS]
