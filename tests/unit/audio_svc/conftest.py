import logging
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import structlog
import torch

from audio_svc.listener import Listener
from audio_svc.loader import AudioLoader, DeviceTools
from audio_svc.meter import AudioMeter
from audio_svc.open_speech import SpeechStreamer
from audio_svc.served import AudioModel
from audio_svc.settings import AudioSettings, load_settings
from audio_svc.speaker import Speaker
from fleetserve.clock import SystemClock
from fleetserve.replica.exchange import ReplicaRequest
from fleetserve.replica.pool import ModelPool
from fleetserve.replica.slot import ComputeSlot
from tests.checkpoints.published import publish_speecht5, publish_whisper
from tests.checkpoints.speecht5 import WeightLayout
from tests.unit.audio_svc.memory_models import FAMILIES, publish_both
from tests.unit.audio_svc.requests import RequestMaker

MAX_SECONDS = 60.0


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    """As in a replica with one core; more threads than free cores spin against each other."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def speecht5_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small SpeechT5 with vocoder and default voice, weights as .bin."""
    return publish_speecht5(tmp_path_factory.mktemp("speecht5"))


@pytest.fixture(scope="session")
def safetensors_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same weights as safetensors, without a default voice."""
    return publish_speecht5(
        tmp_path_factory.mktemp("safetensors"),
        layout=WeightLayout.SAFETENSORS,
        default_voice=False,
    )


@pytest.fixture(scope="session")
def whisper_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return publish_whisper(tmp_path_factory.mktemp("whisper"))


@pytest.fixture
def own_logging() -> Iterator[None]:
    """Puts back what configure_logging changes."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def settings(tmp_path: Path) -> AudioSettings:
    """The service's settings with everything under a folder of the test's own."""
    environ = {
        "FLEETSERVE_HOME": str(tmp_path),
        "FLEETSERVE_CONFIG": str(tmp_path / "config.yaml"),
        "FLEETSERVE_REPLICA_ID": "a1",
        "FLEETSERVE_LOGGING__STDOUT": "false",
        "TORCH_THREADS": "1",
    }
    return load_settings(environ)


@pytest.fixture
def slot() -> Iterator[ComputeSlot]:
    slot = ComputeSlot("device", SystemClock())
    slot.start()
    yield slot
    slot.stop()


@pytest.fixture
def heavy() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as executor:
        yield executor


@pytest.fixture
def loader(settings: AudioSettings, slot: ComputeSlot) -> AudioLoader:
    """A loader of the memory engines, on a device that needs no library."""
    tools = DeviceTools(lambda: "cpu", lambda _: 1 << 30, lambda _: 0, lambda _: None)
    return AudioLoader(settings.service, slot, SystemClock(), tools=tools, families=FAMILIES)


@pytest.fixture
async def pool(
    settings: AudioSettings, loader: AudioLoader, anyio_backend: str
) -> AsyncIterator[ModelPool[AudioModel]]:
    """A pool that holds nothing yet, over a tone that speaks and a recogniser of fixed text."""
    publish_both(settings.service.models_dir)
    pool = ModelPool(loader, clock=SystemClock())
    await pool.prepare()
    yield pool
    await pool.close()


@pytest.fixture
def meter() -> AudioMeter:
    return AudioMeter()


@pytest.fixture
def speaker(pool: ModelPool[AudioModel], heavy: ThreadPoolExecutor, meter: AudioMeter) -> Speaker:
    return Speaker(pool, SystemClock(), heavy, meter.synthesis)


@pytest.fixture
def streamer(
    pool: ModelPool[AudioModel], heavy: ThreadPoolExecutor, meter: AudioMeter
) -> SpeechStreamer:
    return SpeechStreamer(pool, SystemClock(), heavy, meter.synthesis)


@pytest.fixture
def listener(pool: ModelPool[AudioModel], heavy: ThreadPoolExecutor, meter: AudioMeter) -> Listener:
    return Listener(pool, SystemClock(), heavy, meter.transcription, MAX_SECONDS)


@pytest.fixture
def make_request() -> RequestMaker:
    return RequestMaker(SystemClock())


@pytest.fixture
def request_of_json(make_request: RequestMaker) -> ReplicaRequest:
    return make_request.json({"model_name": "tone", "inputs": "Hello."})
