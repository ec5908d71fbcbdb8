"""Composition root of inference-svc: the only file that names concrete adapters."""

import importlib
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version

from fleetserve.app import create_app
from fleetserve.asgi import App
from fleetserve.clock import Clock
from fleetserve.manifest import list_manifests
from fleetserve.replica.internal import internal_router
from fleetserve.replica.models import Loaded, ModelSpec
from fleetserve.replica.service import Replica
from fleetserve.replica.slot import ComputeSlot
from fleetserve.runtime import ServiceRuntime
from fleetserve.tasks import Task
from inference_svc.api.predict import PredictRoute
from inference_svc.api.text_answers import TextAnswers
from inference_svc.batch_table import batch_table
from inference_svc.engine import example
from inference_svc.engine.base import ModelEngine
from inference_svc.generation.bounds import GenerationBounds
from inference_svc.loader import DeviceTools, InferenceLoader
from inference_svc.prediction import Predictor
from inference_svc.served import Served
from inference_svc.settings import InferenceSettings
from inference_svc.text_metrics import TextMetrics, text_table
from inference_svc.texts.access import Generators
from inference_svc.texts.writer import TextWriter

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
            engines={
                Task.FEATURE_EXTRACTION: _embeddings,
                Task.SENTENCE_SIMILARITY: _embeddings,
            },
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
    writer = TextWriter(Generators(replica.pool), runtime.clock, heavy)
    replica_id = settings.service.replica_id
    texts = TextAnswers(replica.pool, writer, runtime.clock, replica_id)
    route = PredictRoute(predictor, texts, runtime.clock, replica_id)
    runtime.tables += [lambda: batch_table(replica.pool), lambda: text_table(replica.pool)]
    runtime.registry.register(TextMetrics(replica.pool))
    control = create_app(runtime, title="Fleetserve inference-svc", routers=[internal_router])
    return replica.data_plane(
        {"/predict": route},
        control,
        default_timeout_s=settings.service.config.server.timeout_s,
    )


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

    def give_back(name: str) -> None:
        from inference_svc import device

        device.give_back_memory(name)

    return DeviceTools(open_device, free_bytes, give_back)


def _import_engines(settings: InferenceSettings) -> None:
    """Saves the first request for a model that is here 2 s; without one, saves the memory."""
    tasks = {manifest.task for manifest in list_manifests(settings.service.models_dir)}
    if tasks & {Task.FEATURE_EXTRACTION, Task.SENTENCE_SIMILARITY}:
        importlib.import_module("inference_svc.engine.embeddings")
    if Task.TEXT_GENERATION in tasks:
        importlib.import_module("inference_svc.generation.loading")


def _embeddings(spec: ModelSpec, device: str) -> ModelEngine:
    from inference_svc.engine.embeddings import EmbeddingsEngine

    assert spec.folder is not None, "a model with a manifest has a folder"
    return EmbeddingsEngine(spec.folder, device)


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
    from inference_svc.generation.loading import load_generating

    assert spec.folder is not None, "a model with a manifest has a folder"
    name = f"{spec.name}@{spec.revision}"
    model, size = load_generating(spec.folder, name, device, slot, clock, bounds)
    return Loaded(model, size, model.generator.info.dtype)
