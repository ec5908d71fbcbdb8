"""The port that ways to make a model faster are behind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from inference_svc.optimization.hardware import Hardware


class UnavailableTechniqueError(Exception):
    """It can't be used here; the text says why and what would help."""


@dataclass(frozen=True, slots=True)
class ModuleCall:
    """What the module was called with in a real batch."""

    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Workshop:
    """What a technique works with.

    Attributes:
        calls: Of several batch sizes and lengths, at least one with two inputs or more.
        artefact: Where compiled code of this model, hardware and chain of techniques is kept.
        build: Make the artefact where it is missing; off when a model is loaded to serve,
            which may not take minutes.
    """

    hardware: Hardware
    calls: Sequence[ModuleCall]
    artefact: Path
    build: bool


@dataclass(frozen=True, slots=True)
class Improved:
    """A module that is called as the one before.

    Attributes:
        dtype: Of its arithmetic; None: as before.
        bytes: That its weights take; None: count its tensors.
    """

    module: Any
    dtype: str | None = None
    bytes: int | None = None


class Technique(Protocol):
    """One way to make a module faster. Blocking; not for the compute thread or the event loop.

    Attributes:
        name: As users write it; several are written ``bf16+aot``.
    """

    name: str

    def unavailable(self, hardware: Hardware) -> str | None:
        """Why it can't be tried on this machine; None: it can. Quick."""
        ...

    def apply(self, module: Any, workshop: Workshop) -> Improved:
        """A faster module for the same calls; ``module`` itself stays as it is.

        Raises: UnavailableTechniqueError: it does not work for this model, and why; whatever
        else the libraries raise.
        """
        ...
