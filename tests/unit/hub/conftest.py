from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from huggingface_hub import HfApi

from tests.hub import HubRepo, HubServer, RepoKind

MODEL = "acme/tiny"
# Not a multiple of the piece size, and no repeated block, so that a misplaced byte shows.
WEIGHTS = b"".join(i.to_bytes(4, "big") for i in range(75_003))
README = b"---\npipeline_tag: feature-extraction\ntags:\n- small\n---\n# Tiny\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "repo"
    (root / "1_Pooling").mkdir(parents=True)
    (root / "config.json").write_text('{"model_type": "bert", "architectures": ["BertModel"]}')
    (root / "README.md").write_bytes(README)
    (root / "1_Pooling" / "config.json").write_text('{"pooling_mode_mean_tokens": true}')
    (root / "model.safetensors").write_bytes(WEIGHTS)
    return root


@pytest.fixture
def hub(folder: Path) -> Iterator[HubServer]:
    repos = [
        HubRepo(MODEL, folder),
        HubRepo("acme/rows", kind=RepoKind.DATASET, files={"data/0000.parquet": b"PAR1" * 50}),
        HubRepo("acme/demo", kind=RepoKind.SPACE, files={"spkemb/slt.npy": b"v" * 2176}),
    ]
    with HubServer(repos) as server:
        yield server


@pytest.fixture
def api(hub: HubServer) -> HfApi:
    return HfApi(endpoint=hub.url, token=False)


@pytest.fixture
def client(hub: HubServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=hub.url, follow_redirects=True) as client:
        yield client
