"""Composition root of inference-svc: the only file that names concrete adapters."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from typing import TYPE_CHECKING

from fleetserve.app import create_app
from fleetserve.asgi import App
from fleetserve.clock import Clock
from fleetserve.manifest import list_manifests
from fleetserve.replica.exchange import Handler
from fleetserve.replica.internal import internal_router
from fleetserve.replica.models import Loaded, ModelHandle, ModelSpec
from fleetserve.replica.service import Replica
from fleetserve.replica.slot import ComputeSlot
from fleetserve.runtime import ServiceRuntime
from fleetserve.tasks import Task
from fleetserve.tunings import Tuning
from inference_svc.api.completions import chat_route, text_route
from inference_svc.api.embeddings import EmbeddingsRoute
from inference_svc.api.infer import DescribeRoute, InferRoute
from inference_svc.api.model_config import ConfigRoute
from inference_svc.api.optimize import optimize_router
from inference_svc.api.predict import PredictRoute
from inference_svc.api.text_answers import TextAnswers
from inference_svc.api.usage import usage_router
from inference_svc.batch_table import batch_table
from inference_svc.engine import example
from inference_svc.engine.base import ModelEngine
from inference_svc.engine_table import ENGINES, import_engines
from inference_svc.generation.bounds import GenerationBounds
from inference_svc.lean_import import import_lean
from inference_svc.loader import START_TOKENS, DeviceTools, InferenceLoader, Tuned
from inference_svc.prediction import Predictor
from inference_svc.served import Served
from inference_svc.settings import InferenceSettings
from inference_svc.text_metrics import TextMetrics, text_table
from inference_svc.texts.access import Generators
from inference_svc.texts.writer import TextWriter

if TYPE_CHECKING:
    from inference_svc.optimization.chains import Bench
    from inference_svc.optimization.optimizer import Optimizer

EXAMPLE = ModelSpec(
    name="example",
    revision=example.REVISION,
    task=Task.TENSOR,
    expected_bytes=1 << 16,
    pinned=True,
)
PREPARE_THREADS = 2


def build_replica(settings: InferenceSettings, runtime: ServiceRuntime) -> Replica[Served]:
    """The replica with every engine there is."""

    def make_loader(slot: ComputeSlot) -> InferenceLoader:
        return InferenceLoader(
            settings.service,
            slot,
            runtime.clock,
            tools=_tools(settings),
            engines=ENGINES,
            generating={
                Task.TEXT_GENERATION: lambda spec, device, slot: _text_generation(
                    spec, device, slot, runtime.clock, _bounds(settings)
                )
            },
            built_in={EXAMPLE.name: (EXAMPLE, lambda _, device: example.ExampleEngine(device))},
        )

    versions = {name: version(name) for name in ("torch", "transformers")}
    return Replica(
        runtime,
        make_loader,
        preload=[EXAMPLE.name],
        after_ready=lambda: _import_engines(settings),
        versions=versions,
    )


def build_app(settings: InferenceSettings, runtime: ServiceRuntime) -> App:
    """The ASGI app: the data plane in front of the control routes."""
    replica = build_replica(settings, runtime)
    heavy = ThreadPoolExecutor(PREPARE_THREADS, thread_name_prefix="prepare")
    predictor = Predictor(replica.pool, runtime.clock, heavy)
    clock, server = runtime.clock, settings.service.config.server
    generators = Generators(replica.pool)
    writer = TextWriter(generators, clock, heavy)
    replica_id = settings.service.replica_id
    texts = TextAnswers(replica.pool, writer, clock, replica_id)
    routes: dict[str, Handler] = {
        "/predict": PredictRoute(predictor, texts, clock, replica_id),
        "/v1/embeddings": EmbeddingsRoute(predictor, clock),
        "/v1/completions": text_route(generators, clock),
        "/v1/chat/completions": chat_route(generators, clock),
        "/v2/infer": InferRoute(replica.pool, predictor, writer, clock, server.max_file_mb << 20),
        "/v2/model": DescribeRoute(replica.pool),
        "/v2/config": ConfigRoute(replica.pool, settings.service.config.batch.max_size),
    }
    runtime.tables += [lambda: batch_table(replica.pool), lambda: text_table(replica.pool)]
    runtime.registry.register(TextMetrics(replica.pool))
    routers = [internal_router, optimize_router, usage_router]
    control = create_app(runtime, title="Fleetserve inference-svc", routers=routers)
    control.state.optimizer = _lazy_optimizer(settings, runtime, replica)
    return replica.data_plane(routes, control, default_timeout_s=server.timeout_s)


# torch takes 1 to 2 s to import and transformers as much again: both only when they are needed,
# and in the loader's thread.


def _tools(settings: InferenceSettings) -> DeviceTools:
    def open_device() -> str:
        from inference_svc import device

        requested = settings.service.config.inference.device
        return device.open_device(requested, settings.torch_threads)

    def free_bytes(name: str) -> int:
        from inference_svc import device

        return device.free_bytes(name)

    def held_bytes(name: str) -> int:
        from inference_svc import device

        return device.held_bytes(name)

    def give_back(name: str) -> None:
        from inference_svc import device

        device.give_back_memory(name)

    def tuned_for(name: str) -> tuple[str, str]:
        from inference_svc.optimization.hardware import look_at

        return version("torch"), look_at(name).key

    def tune(engine: ModelEngine, size: int, tuning: Tuning, subject: str) -> Tuned:
        from inference_svc.optimization.techniques import all_techniques
        from inference_svc.optimization.tuner import Tuner

        bench = _bench(settings, engine.info.device)
        return Tuner(bench, all_techniques()).apply(engine, size, tuning, subject)

    return DeviceTools(open_device, free_bytes, held_bytes, give_back, tuned_for, tune)


def _bench(settings: InferenceSettings, device: str) -> "Bench":
    from inference_svc.optimization.chains import Bench
    from inference_svc.optimization.hardware import look_at

    return Bench(look_at(device), settings.service.cache_dir, version("torch"))


def _lazy_optimizer(
    settings: InferenceSettings, runtime: ServiceRuntime, replica: Replica[Served]
) -> "Callable[[], Optimizer]":
    """Makes it at its first use."""
    made: list[Optimizer] = []

    def get() -> "Optimizer":
        if not made:
            made.append(_optimizer(settings, runtime, replica))
        return made[0]

    async def close() -> None:
        for optimizer in made:
            await optimizer.close()

    # Before the models go.
    runtime.on_shutdown.insert(0, close)
    return get


def _optimizer(
    settings: InferenceSettings, runtime: ServiceRuntime, replica: Replica[Served]
) -> "Optimizer":
    from inference_svc.optimization.measuring import Limits
    from inference_svc.optimization.optimizer import Optimizer
    from inference_svc.optimization.store.registry import RegistryTuningStore, registry_address
    from inference_svc.optimization.techniques import all_techniques

    def plain(handle: ModelHandle[Served]) -> ModelEngine:
        engine = ENGINES[handle.spec.task](handle.spec, replica.device)
        engine.load()
        return engine

    batch = settings.service.config.batch
    return Optimizer(
        replica.pool,
        replica.slot,
        runtime.clock,
        RegistryTuningStore(lambda: registry_address(runtime.redis, runtime.keys), runtime.signer),
        bench=lambda: _bench(settings, replica.device),
        techniques=all_techniques(),
        limits=Limits(settings.torch_threads, batch.max_padded_tokens, batch.max_size),
        plain=plain,
        start_tokens=START_TOKENS,
    )


def _import_engines(settings: InferenceSettings) -> None:
    """Saves the first request for a model that is here 2 s; without one, saves the memory."""
    tasks = {manifest.task for manifest in list_manifests(settings.service.models_dir)}
    import_engines(tasks)
    if Task.TEXT_GENERATION in tasks:
        import_lean("inference_svc.generation.loading")


def _bounds(settings: InferenceSettings) -> GenerationBounds:
    config = settings.service.config
    return GenerationBounds(
        cache_bytes=config.inference.kv_cache_mib << 20,
        max_texts=config.batch.max_size,
        max_waiting=config.inference.max_queue,
        max_step_tokens=config.batch.max_padded_tokens,
    )


def _text_generation(
    spec: ModelSpec, device: str, slot: ComputeSlot, clock: Clock, bounds: GenerationBounds
) -> Loaded[Served]:
    load_generating = import_lean("inference_svc.generation.loading").load_generating
    assert spec.folder is not None, "a model with a manifest has a folder"
    name = f"{spec.name}@{spec.revision}"
    model, size = load_generating(spec.folder, name, device, slot, clock, bounds)
    return Loaded(model, size, model.generator.info.dtype)
