"""What was found to make a model faster on some hardware: kept beside its manifest.

A tuning holds for one revision, one torch and one kind of hardware; elsewhere the model runs as
it is. The registry writes, replicas read.
"""

from pathlib import Path

import msgspec

from fleetserve.errors import ModelNotFoundError
from fleetserve.manifest import manifest_path

TUNINGS_FILE = "tunings.json"


class Measurement(msgspec.Struct, frozen=True, omit_defaults=True):
    """One candidate beside float32 as it was, on the same inputs in the same minutes.

    Attributes:
        candidate: ``float32``, ``bf16``, ``bf16+aot``, ``token_budget=512`` and so on.
        ms: Mean compute time of one input; None: it could not be tried.
        speedup: Of float32's time; 2.0 is twice as fast.
        max_error: Largest difference of one number of the results; None: not compared.
        within_tolerance: None: not compared.
        measures: What the tolerance is about, such as min_cosine or top10_overlap.
        unavailable: Why it could not be tried.
    """

    candidate: str
    ms: float | None = None
    speedup: float | None = None
    max_error: float | None = None
    within_tolerance: bool | None = None
    chosen: bool = False
    measures: dict[str, float] = {}
    unavailable: str = ""


class Tuning(msgspec.Struct, frozen=True):
    """A decision and what it rests on.

    Attributes:
        candidate: What is done to the model; empty: nothing.
        token_budget: Padded tokens of a batch to begin with; 0: the usual.
        threads: Of one forward pass; 0: the replica's share of the cores.
        measured_at: Seconds since the epoch.
    """

    revision: str
    torch: str
    hardware: str
    candidate: str
    token_budget: int = 0
    threads: int = 0
    speedup: float = 1.0
    samples: int = 0
    measured_at: float = 0.0
    measurements: tuple[Measurement, ...] = ()

    @property
    def key(self) -> tuple[str, str, str]:
        """What it holds for."""
        return (self.revision, self.torch, self.hardware)

    @property
    def decision(self) -> tuple[str, int, int]:
        """What it does; two with the same are loaded alike."""
        return (self.candidate, self.token_budget, self.threads)

    @property
    def applied(self) -> list[str]:
        """What it does, in words."""
        parts = [self.candidate] if self.candidate else []
        if self.token_budget:
            parts.append(f"token_budget={self.token_budget}")
        return [*parts, f"threads={self.threads}"] if self.threads else parts


_decode = msgspec.json.Decoder(tuple[Tuning, ...]).decode


def tunings_path(models_dir: Path, name: str) -> Path:
    return models_dir / name / TUNINGS_FILE


def read_tunings(models_dir: Path, name: str) -> tuple[Tuning, ...]:
    """Every tuning of a model; none where the file is not there or can't be understood."""
    try:
        raw = tunings_path(models_dir, name).read_bytes()
        return _decode(raw)
    except (OSError, ValueError, msgspec.MsgspecError):
        # A model runs as it is rather than not at all.
        return ()


def find_tuning(models_dir: Path, name: str, key: tuple[str, str, str]) -> Tuning | None:
    return next((t for t in read_tunings(models_dir, name) if t.key == key), None)


def write_tunings(models_dir: Path, name: str, tunings: tuple[Tuning, ...]) -> None:
    """Replaces them by atomic rename; the registry only.

    Raises: ModelNotFoundError: nothing is published under this name.
    """
    if not manifest_path(models_dir, name).is_file():
        raise ModelNotFoundError(name)
    path = tunings_path(models_dir, name)
    if not tunings:
        path.unlink(missing_ok=True)
        return
    draft = path.with_suffix(".json.new")
    try:
        draft.write_bytes(msgspec.json.format(msgspec.json.encode(tunings), indent=2))
        draft.replace(path)
    except FileNotFoundError:  # The model was deleted meanwhile.
        raise ModelNotFoundError(name) from None
