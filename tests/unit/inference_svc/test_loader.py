from pathlib import Path

import pytest

from fleetserve.clock import SystemClock
from fleetserve.errors import InvalidFieldError, ModelNotFoundError
from fleetserve.manifest import Manifest, ManifestFile, publish_manifest
from fleetserve.replica.models import ModelSpec
from fleetserve.replica.slot import ComputeSlot
from fleetserve.settings import ServiceSettings, load_service_settings
from inference_svc.engine.base import ModelEngine
from inference_svc.engine.memory import MemoryEngine
from inference_svc.loader import DeviceTools, InferenceLoader

BUILT_IN = ModelSpec("example", "builtin-1", "tensor", 100, pinned=True)


def manifest(name: str, task: str = "feature-extraction") -> Manifest:
    files = (
        ManifestFile("model.safetensors", 1000, "0"),
        ManifestFile("pytorch_model.bin", 1200, "0"),
        ManifestFile("tokenizer.json", 50, "0"),
    )
    return Manifest(name, "huggingface", f"org/{name}", "c0ffee", task, files, 2250, 0.0)


@pytest.fixture
def service(tmp_path: Path) -> ServiceSettings:
    environ = {"FLEETSERVE_HOME": str(tmp_path), "FLEETSERVE_CONFIG": str(tmp_path / "c.yaml")}
    return load_service_settings("inference-svc", environ)


class Tools:
    def __init__(self) -> None:
        self.given_back: list[str] = []


@pytest.fixture
def tools() -> Tools:
    return Tools()


@pytest.fixture
def made() -> list[tuple[ModelSpec, str, MemoryEngine]]:
    """The engines that were made, with what for."""
    return []


@pytest.fixture
def loader(
    service: ServiceSettings,
    slot: ComputeSlot,
    tools: Tools,
    made: list[tuple[ModelSpec, str, MemoryEngine]],
) -> InferenceLoader:
    def make(spec: ModelSpec, device: str) -> ModelEngine:
        made.append((spec, device, MemoryEngine()))
        return made[-1][2]

    return InferenceLoader(
        service,
        slot,
        SystemClock(),
        tools=DeviceTools(lambda: "cpu", lambda _: 5000, lambda _: 7, tools.given_back.append),
        engines={"feature-extraction": make},
        built_in={"example": (BUILT_IN, make)},
    )


def test_a_built_in_model_needs_no_manifest(loader: InferenceLoader) -> None:
    assert loader.find("example") is BUILT_IN


def test_a_published_model_is_found_with_its_folder_and_weights(
    loader: InferenceLoader, service: ServiceSettings
) -> None:
    publish_manifest(service.models_dir, manifest("minilm"))
    spec = loader.find("minilm")
    assert (spec.name, spec.revision, spec.task) == ("minilm", "c0ffee", "feature-extraction")
    assert spec.folder == service.models_dir / "minilm" / "c0ffee"
    # Both formats hold the same weights; only one is loaded.
    assert spec.expected_bytes == 1200


def test_without_known_weight_files_the_whole_size_is_expected(
    loader: InferenceLoader, service: ServiceSettings
) -> None:
    plain = replace_files(manifest("odd"))
    publish_manifest(service.models_dir, plain)
    assert loader.find("odd").expected_bytes == 2250


def replace_files(found: Manifest) -> Manifest:
    values = {field: getattr(found, field) for field in found.__struct_fields__}
    return Manifest(**{**values, "files": (ManifestFile("weights.odd", 2250, "0"),)})


@pytest.mark.parametrize("name", ["nope", "../minilm", "", ".hidden"])
def test_what_is_not_published_is_not_found(loader: InferenceLoader, name: str) -> None:
    with pytest.raises(ModelNotFoundError):
        loader.find(name)


@pytest.mark.parametrize(
    ("task", "detail"),
    [("text-to-speech", "doesn't serve"), ("object-detection", "here are engines for")],
)
def test_a_task_without_an_engine_is_refused_by_name(
    loader: InferenceLoader, service: ServiceSettings, task: str, detail: str
) -> None:
    publish_manifest(service.models_dir, manifest("other", task))
    with pytest.raises(InvalidFieldError, match=detail) as wrong:
        loader.find("other")
    assert wrong.value.field == "model_name"


def test_a_model_is_loaded_warmed_up_in_the_compute_thread_and_served(
    loader: InferenceLoader, slot: ComputeSlot, made: list[tuple[ModelSpec, str, MemoryEngine]]
) -> None:
    assert loader.prepare() == "cpu"
    loaded = loader.load(BUILT_IN)
    spec, device, engine = made[0]
    assert (spec, device) == (BUILT_IN, "cpu")
    assert (loaded.bytes, loaded.dtype) == (1024, "none")
    assert engine.threads == {"compute-cpu"}
    assert loaded.model.batcher.name == "example@builtin-1"
    assert loaded.model.batcher in slot._sources.values()


def test_unloading_takes_it_out_of_the_slot_and_gives_memory_back(
    loader: InferenceLoader, slot: ComputeSlot, tools: Tools
) -> None:
    loader.prepare()
    loaded = loader.load(BUILT_IN)
    loader.unload(BUILT_IN, loaded.model)
    assert slot._sources == {}
    assert tools.given_back == ["cpu"]


def test_free_memory_is_that_of_the_device_once_it_is_known(loader: InferenceLoader) -> None:
    assert loader.free_bytes() == -1
    loader.prepare()
    assert loader.free_bytes() == 5000
