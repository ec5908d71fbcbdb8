"""A pool with models of the memory engine and generator, on a running slot."""

from collections.abc import Callable, Mapping
from functools import partial

from fleetserve.clock import Clock
from fleetserve.errors import ModelNotFoundError
from fleetserve.replica.models import Loaded, ModelSpec
from fleetserve.replica.slot import ComputeSlot
from fleetserve.tasks import Task
from inference_svc.batcher import Batcher, ServedModel
from inference_svc.budget import TokenBudget
from inference_svc.engine.base import ModelEngine
from inference_svc.generation.base import TextGenerator
from inference_svc.served import GeneratingModel, Served
from inference_svc.texts.report import WritingReport, Written

IDLE = WritingReport(Written(), at_work=0, waiting=0, held_bytes=0, budget_bytes=1 << 20)
NONE_WRITES: Mapping[str, TextGenerator] = {}


class EngineLoader:
    """Loads ready-made engines and generators by name."""

    def __init__(
        self,
        slot: ComputeSlot,
        clock: Clock,
        engines: Mapping[str, Callable[[], ModelEngine]],
        generators: Mapping[str, TextGenerator] = NONE_WRITES,
    ) -> None:
        self._slot = slot
        self._clock = clock
        self._engines = engines
        self._generators = generators
        self.unloaded: list[str] = []

    def prepare(self) -> str:
        return "cpu"

    def find(self, name: str, revision: str | None = None) -> ModelSpec:
        if name in self._generators:
            return ModelSpec(name, "r1", Task.TEXT_GENERATION, 10)
        if name not in self._engines:
            raise ModelNotFoundError(name)
        return ModelSpec(name, "r1", "feature-extraction", 10)

    def load(self, spec: ModelSpec) -> Loaded[Served]:
        if spec.name in self._generators:
            generator = self._generators[spec.name]
            unload = partial(self.unloaded.append, spec.name)
            return Loaded(
                GeneratingModel(generator, unload, lambda: IDLE), 10, generator.info.dtype
            )
        engine = self._engines[spec.name]()
        size = engine.load()
        budget = TokenBudget(256, 4096)
        batcher = Batcher(spec.name, engine, self._slot, self._clock, budget, max_size=32)
        self._slot.add(batcher)
        return Loaded(ServedModel(engine, batcher), size)

    def unload(self, spec: ModelSpec, model: Served) -> None:
        if isinstance(model, GeneratingModel):
            model.unload()
        else:
            model.batcher.close()
            model.engine.unload()

    def held_bytes(self) -> int:
        return 0

    def free_bytes(self) -> int:
        return -1
