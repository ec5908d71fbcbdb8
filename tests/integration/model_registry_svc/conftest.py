import contextlib
import json
import random
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.hub import HubRepo, HubServer, RepoKind
from tests.integration.model_registry_svc.stack import Stack
from tests.redis_server import RedisServer

BIG_BYTES = 60_000_000
VOICE = random.Random(2).randbytes(2176)
VOICE_ADDRESS = "https://huggingface.co/spaces/Org/voices/resolve/main/slt.npy"


@pytest.fixture(scope="session")
def big_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("big") / "model.safetensors"
    path.write_bytes(random.Random(1).randbytes(BIG_BYTES))
    return path


@contextlib.contextmanager
def serving_hub(big_file: Path) -> Iterator[HubServer]:
    """A hub with a model of each kind."""
    speech = b'{"model_type":"speecht5","architectures":["SpeechT5ForTextToSpeech"]}'
    repos = [
        HubRepo(
            "org/big",
            files={"config.json": b"{}", "model.safetensors": big_file},
            pipeline_tag="fill-mask",
        ),
        HubRepo(
            "org/small",
            files={
                "config.json": b'{"a": 1}',
                "1_Pooling/config.json": b'{"b": 2}',
                "model.safetensors": random.Random(3).randbytes(400_000),
            },
            pipeline_tag="sentence-similarity",
        ),
        HubRepo(
            "microsoft/speecht5_tts",
            files={"config.json": speech, "pytorch_model.bin": b"t" * 9000},
            pipeline_tag="text-to-speech",
        ),
        HubRepo(
            "microsoft/speecht5_hifigan",
            files={"config.json": b"{}", "pytorch_model.bin": b"v" * 7000},
        ),
        HubRepo("Org/voices", kind=RepoKind.SPACE, files={"slt.npy": VOICE}),
        HubRepo("org/gated", files={"model.safetensors": b"g"}, gated="manual"),
    ]
    with HubServer(repos) as server:
        yield server


@contextlib.contextmanager
def running_stack(folder: Path, redis: RedisServer, hub: HubServer) -> Iterator[Stack]:
    stack = Stack(folder, redis, hub)
    stack.catalogue.write_text(json.dumps({}))
    try:
        yield stack
    finally:
        stack.kill()


@pytest.fixture
def hub(big_file: Path) -> Iterator[HubServer]:
    with serving_hub(big_file) as server:
        yield server


@pytest.fixture
def stack(tmp_path: Path, redis_server: RedisServer, hub: HubServer) -> Iterator[Stack]:
    with running_stack(tmp_path, redis_server, hub) as stack:
        yield stack


@pytest.fixture
def registry(stack: Stack) -> Iterator[httpx.Client]:
    with stack.registry() as client:
        yield client
