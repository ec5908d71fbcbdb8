"""Candidates: techniques by name, and several of them on top of each other (``bf16+aot``)."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from fleetserve.errors import InvalidFieldError
from inference_svc.device import storage_bytes
from inference_svc.optimization.hardware import Hardware
from inference_svc.optimization.technique.base import (
    Improved,
    ModuleCall,
    Technique,
    UnavailableTechniqueError,
    Workshop,
)

# In the order they are tried: what costs a second before what costs a minute. ``compile`` slows
# down what is served while it works, so that it is tried when asked for only.
DEFAULTS = {
    "cpu": ("bf16", "fp16", "int8", "aot", "bf16+aot", "int8+aot"),
    "cuda": ("fp16", "bf16", "int8", "aot", "fp16+aot", "bf16+aot", "fp16+tensorrt"),
    "mps": ("fp16", "bf16"),
}


@dataclass(frozen=True, slots=True)
class Chain:
    """Techniques, applied from left to right."""

    name: str
    parts: tuple[Technique, ...]

    def unavailable(self, hardware: Hardware) -> str | None:
        """The first part's reason, if any has one."""
        reasons = (part.unavailable(hardware) for part in self.parts)
        return next((reason for reason in reasons if reason is not None), None)


@dataclass(frozen=True, slots=True)
class Bench:
    """Where chains are applied: a device and the cache of compiled code."""

    hardware: Hardware
    cache_dir: Path
    torch_version: str = torch.__version__

    def apply(
        self,
        chain: Chain,
        module: Any,
        calls: Sequence[ModuleCall],
        *,
        subject: str,
        build: bool,
    ) -> Improved:
        """The module with every part applied; ``subject`` is name@revision. Blocking.

        Raises: UnavailableTechniqueError: why a part can't be used.
        """
        reason = chain.unavailable(self.hardware)
        if reason is not None:
            raise UnavailableTechniqueError(reason)
        dtype = size = None
        for count, part in enumerate(chain.parts, 1):
            name = "+".join(p.name for p in chain.parts[:count])
            workshop = Workshop(self.hardware, calls, self._artefact(subject, name), build)
            improved = part.apply(module, workshop)
            module, dtype, size = improved.module, improved.dtype or dtype, improved.bytes
        return Improved(module, dtype, module_bytes(module) if size is None else size)

    def _artefact(self, subject: str, chain: str) -> Path:
        key = f"{subject}|{self.torch_version}|{self.hardware.key}"
        folder = hashlib.sha256(key.encode()).hexdigest()[:24]
        return self.cache_dir / "tunings" / folder / chain


def module_bytes(module: Any) -> int:
    if not isinstance(module, nn.Module):
        return 0
    return storage_bytes([*module.parameters(), *module.buffers()])


def read_chains(
    names: Sequence[str] | None, techniques: Mapping[str, Technique], kind: str
) -> list[Chain]:
    """The candidates that are asked for, or those that are worth trying on this kind of device.

    Raises: InvalidFieldError: a name that is not known, with those that are.
    """
    wanted = names if names is not None else DEFAULTS.get(kind, ())
    return [read_chain(name, techniques) for name in dict.fromkeys(wanted)]


def read_chain(name: str, techniques: Mapping[str, Technique]) -> Chain:
    """Raises: InvalidFieldError: as read_chains."""
    parts = name.split("+")
    unknown = [part for part in parts if part not in techniques]
    if unknown:
        known = ", ".join(techniques)
        raise InvalidFieldError(
            "candidates", f"{unknown[0]!r} is not known; there are {known}, and two joined by +"
        )
    return Chain(name, tuple(techniques[part] for part in parts))
