"""Loads a model the way its tuning says, or as it is where that can't be."""

from collections.abc import Mapping

import structlog

from fleetserve.tunings import Tuning
from inference_svc.engine.base import ModelEngine, Tunable
from inference_svc.loader import Tuned
from inference_svc.optimization.capture import capture_calls
from inference_svc.optimization.chains import Bench, module_bytes, read_chain
from inference_svc.optimization.held_samples import built_in_texts
from inference_svc.optimization.technique.base import Technique
from inference_svc.optimization.threads import with_threads

log = structlog.get_logger(__name__)

_SAMPLES = 32


class Tuner:
    """For the loader's thread."""

    def __init__(self, bench: Bench, techniques: Mapping[str, Technique]) -> None:
        self._bench = bench
        self._techniques = techniques

    def apply(self, engine: ModelEngine, size: int, tuning: Tuning, subject: str) -> Tuned:
        """The tuned engine, or the engine as it is where that can't be."""
        if not tuning.candidate:
            return Tuned(with_threads(engine, tuning.threads), size, ", ".join(tuning.applied))
        if not isinstance(engine, Tunable):
            return Tuned(engine, size)
        try:
            chain = read_chain(tuning.candidate, self._techniques)
            calls = capture_calls(engine, engine.samples(built_in_texts()[:_SAMPLES]))
            improved = self._bench.apply(chain, engine.module, calls, subject=subject, build=False)
        except Exception as exc:  # noqa: BLE001 - whatever a library raises
            log.warning(
                "tuning.not_applied", model=subject, tuning=tuning.candidate, reason=str(exc)
            )
            return Tuned(engine, size)
        before = module_bytes(engine.module)
        tuned = engine.with_module(improved.module, improved.dtype or engine.info.dtype)
        measured = max(0, size - before + (improved.bytes or 0))
        engine.unload()
        log.info("tuning.applied", model=subject, tuning=tuning.candidate, bytes=measured)
        return Tuned(with_threads(tuned, tuning.threads), measured, ", ".join(tuning.applied))
