"""A pool with models of the memory engine, on a running slot."""

from collections.abc import Callable

from fleetserve.clock import Clock
from fleetserve.errors import ModelNotFoundError
from fleetserve.replica.models import Loaded, ModelSpec
from fleetserve.replica.slot import ComputeSlot
from inference_svc.batcher import Batcher, ServedModel
from inference_svc.budget import TokenBudget
from inference_svc.engine.base import ModelEngine


class EngineLoader:
    """Loads ready-made engines by name."""

    def __init__(
        self, slot: ComputeSlot, clock: Clock, engines: dict[str, Callable[[], ModelEngine]]
    ) -> None:
        self._slot = slot
        self._clock = clock
        self._engines = engines

    def prepare(self) -> str:
        return "cpu"

    def find(self, name: str, revision: str | None = None) -> ModelSpec:
        if name not in self._engines:
            raise ModelNotFoundError(name)
        return ModelSpec(name, "r1", "feature-extraction", 10)

    def load(self, spec: ModelSpec) -> Loaded[ServedModel]:
        engine = self._engines[spec.name]()
        size = engine.load()
        budget = TokenBudget(256, 4096)
        batcher = Batcher(spec.name, engine, self._slot, self._clock, budget, max_size=32)
        self._slot.add(batcher)
        return Loaded(ServedModel(engine, batcher), size)

    def unload(self, spec: ModelSpec, model: ServedModel) -> None:
        model.batcher.close()
        model.engine.unload()

    def held_bytes(self) -> int:
        return 0

    def free_bytes(self) -> int:
        return -1
