"""Finds, loads and unloads the models of a replica."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from weakref import WeakValueDictionary

from fleetserve.clock import Clock
from fleetserve.errors import InvalidFieldError
from fleetserve.manifest import Manifest, read_manifest, revision_dir
from fleetserve.replica.models import Loaded, ModelSpec
from fleetserve.replica.slot import ComputeSlot
from fleetserve.settings import ServiceSettings
from fleetserve.tasks import INFERENCE_SERVICE, service_for_task
from fleetserve.tunings import Tuning, find_tuning
from inference_svc.batcher import Batcher, ServedModel
from inference_svc.budget import TokenBudget
from inference_svc.engine.base import ModelEngine
from inference_svc.optimization.held_samples import RecentInputs
from inference_svc.served import GeneratingModel, Served
from inference_svc.texts.footprint import loaded_per_stored

EngineFactory = Callable[[ModelSpec, str], ModelEngine]
GeneratingLoad = Callable[[ModelSpec, str, ComputeSlot], Loaded[Served]]
NONE_WRITES: Mapping[str, GeneratingLoad] = {}

# About 8 short sentences at a time on a CPU, where larger batches fall out of the cache.
START_TOKENS = {"cpu": 256, "cuda": 8192, "mps": 2048}
_WEIGHTS = (".safetensors", ".bin", ".pt", ".pth", ".pt2")


@dataclass(frozen=True, slots=True)
class Tuned:
    """An engine as it serves; ``applied`` says what of its tuning is in force, in words."""

    engine: ModelEngine
    bytes: int
    applied: str = ""


# Applies a tuning to a loaded engine of so many bytes; one that can't be applied is left out.
ApplyTuning = Callable[[ModelEngine, int, Tuning, str], Tuned]


@dataclass(frozen=True, slots=True)
class DeviceTools:
    """The parts that need torch, which is imported only when ``open`` is called.

    Attributes:
        open: Picks and sets up the device; its name.
        free_bytes: Of that device; negative: not known.
        held_bytes: What this process holds of it.
        give_back: Returns freed memory to the system.
        tuned_for: torch and the kind of hardware that a device's tunings are kept by.
        tune: Makes an engine faster.
    """

    open: Callable[[], str]
    free_bytes: Callable[[str], int]
    held_bytes: Callable[[str], int]
    give_back: Callable[[str], None]
    tuned_for: Callable[[str], tuple[str, str]] = lambda device: ("", device)
    tune: ApplyTuning = lambda engine, size, _tuning, _subject: Tuned(engine, size)


class InferenceLoader:
    """A ``ModelLoader``: built-in models, and those with a manifest and an engine for the task.

    Args:
        engines: By task, for models that answer in batches.
        generating: By task, for models that write step by step.
    """

    def __init__(
        self,
        settings: ServiceSettings,
        slot: ComputeSlot,
        clock: Clock,
        *,
        tools: DeviceTools,
        engines: Mapping[str, EngineFactory],
        generating: Mapping[str, GeneratingLoad] = NONE_WRITES,
        built_in: Mapping[str, tuple[ModelSpec, EngineFactory]],
    ) -> None:
        self._models_dir = settings.models_dir
        self._batch = settings.config.batch
        self._slot = slot
        self._clock = clock
        self._tools = tools
        self._engines = engines
        self._generating = generating
        self._cache_bytes = settings.config.inference.kv_cache_mib << 20
        self._built_in = built_in
        self._device = ""
        self._tuned_for = ("", "")
        # Outlives the switch from one build of a model to the next.
        self._recent: WeakValueDictionary[str, RecentInputs] = WeakValueDictionary()

    def prepare(self) -> str:
        self._device = self._tools.open()
        self._tuned_for = self._tools.tuned_for(self._device)
        return self._device

    def find(self, name: str, revision: str | None = None) -> ModelSpec:
        """Raises: ModelNotFoundError; InvalidFieldError: its task is not served by /predict."""
        built_in = self._built_in.get(name)
        if built_in is not None:
            return built_in[0]
        manifest = read_manifest(self._models_dir, name, revision)
        tasks = {*self._engines, *self._generating}
        if manifest.task not in tasks:
            raise InvalidFieldError("model_name", _not_served(manifest, tasks))
        folder = revision_dir(self._models_dir, manifest)
        expected = _weight_bytes(manifest)
        if manifest.task in self._generating:
            expected = expected * loaded_per_stored(folder) + self._cache_bytes
        return ModelSpec(
            name=name,
            revision=manifest.revision,
            task=manifest.task,
            expected_bytes=expected,
            folder=folder,
            manifest=manifest,
            tuning=find_tuning(self._models_dir, name, (manifest.revision, *self._tuned_for)),
        )

    def load(self, spec: ModelSpec) -> Loaded[Served]:
        load_generating = self._generating.get(spec.task)
        if load_generating is not None:
            return load_generating(spec, self._device, self._slot)
        plain, size = self._load_engine(spec)
        tuned, subject = Tuned(plain, size), f"{spec.name}@{spec.revision}"
        if spec.tuning is not None:
            tuned = self._tools.tune(plain, size, spec.tuning, subject)
        engine = tuned.engine
        # Computed where everything else is, so that it doesn't take the cores of a batch.
        self._slot.call(engine.warm_up).result()
        batcher = Batcher(
            subject,
            engine,
            self._slot,
            self._clock,
            TokenBudget(self._start_tokens(spec.tuning), self._batch.max_padded_tokens),
            max_size=self._batch.max_size,
        )
        self._slot.add(batcher)
        recent = self._recent.setdefault(subject, RecentInputs())
        served = ServedModel(engine, batcher, recent)
        return Loaded(served, tuned.bytes, engine.info.dtype, tuned.applied)

    def _load_engine(self, spec: ModelSpec) -> tuple[ModelEngine, int]:
        built_in = self._built_in.get(spec.name)
        factory = built_in[1] if built_in is not None else self._engines[spec.task]
        engine = factory(spec, self._device)
        return engine, engine.load()

    def _start_tokens(self, tuning: Tuning | None) -> int:
        if tuning is not None and tuning.token_budget:
            return tuning.token_budget
        return START_TOKENS.get(self._device.partition(":")[0], START_TOKENS["cpu"])

    def unload(self, spec: ModelSpec, model: Served) -> None:
        del spec
        if isinstance(model, GeneratingModel):
            model.unload()
        else:
            model.batcher.close()
            # In the compute thread, after whatever it was doing with this model.
            self._slot.call(model.engine.unload).result()
        self._tools.give_back(self._device)

    def held_bytes(self) -> int:
        return self._tools.held_bytes(self._device) if self._device else 0

    def free_bytes(self) -> int:
        return self._tools.free_bytes(self._device) if self._device else -1


def _weight_bytes(manifest: Manifest) -> int:
    """Repos hold other frameworks' weights too; the largest format is what is loaded."""
    sizes = [
        sum(file.size for file in manifest.files if file.path.endswith(ending))
        for ending in _WEIGHTS
    ]
    return max(sizes, default=0) or manifest.size_bytes


def _not_served(manifest: Manifest, tasks: Iterable[str]) -> str:
    if service_for_task(manifest.task) != INFERENCE_SERVICE:
        return f"{manifest.name} is a model for {manifest.task}; inference-svc doesn't serve those"
    known = ", ".join(sorted(tasks))
    return f"{manifest.name} is a model for {manifest.task}; here are engines for {known}"
