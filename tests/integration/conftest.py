"""The running fleet that the tests of this folder share, and the hub it downloads from."""

from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path

import httpx
import pytest

from tests.checkpoints.ctranslate2_models import write_faster_whisper
from tests.checkpoints.hub_root import GPT2, SMOLLM2, SPEECHT5, WHISPER, write_hub_root
from tests.hub.minilm import REPO_ID as MINILM
from tests.hub.minilm import make_minilm
from tests.hub.server import HubServer
from tests.integration.fleet import REQUEST_S, Fleet
from tests.integration.sign_in import sign_in

MODELS = {
    "speecht5_tts": SPEECHT5,
    "whisper-base": WHISPER,
    "all-MiniLM-L6-v2": MINILM,
    "smollm2": SMOLLM2,
    "gpt2": GPT2,
}


@pytest.fixture(scope="session")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubServer]:
    """Serves the small checkpoints and the real MiniLM under their public names."""
    root = tmp_path_factory.mktemp("hub")
    write_hub_root(root)
    make_minilm(root)
    write_faster_whisper(root)
    with HubServer(root=root) as server:
        yield server


@pytest.fixture(scope="session")
def fleet(tmp_path_factory: pytest.TempPathFactory, hub: HubServer) -> Iterator[Fleet]:
    """One fleet for the whole run: leave it as it was found, with more models at most."""
    with Fleet(tmp_path_factory.mktemp("fleet"), {"HF_ENDPOINT": hub.url}).running() as fleet:
        yield fleet


@pytest.fixture(scope="session")
def models(fleet: Fleet) -> tuple[str, ...]:
    """The models that the documentation's examples use, downloaded."""
    with httpx.Client(base_url=fleet.url, timeout=REQUEST_S) as client:
        for name, model_id in MODELS.items():
            body = {"source": "huggingface", "model_id": model_id, "name": name, "wait": True}
            answer = client.post("/models/download", json=body)
            assert answer.is_success, f"{answer.text}\n{fleet.account()}"
    return tuple(MODELS)


@pytest.fixture(scope="session")
def admin_token(fleet: Fleet) -> str:
    """The first admin's; the file with the password is gone after this login."""
    password = (fleet.home / "data/auth/admin-password").read_text().strip()
    with httpx.Client(base_url=fleet.url, timeout=REQUEST_S) as client:
        answer = client.post("/auth/login", json={"username": "admin", "password": password})
    assert answer.is_success, answer.text
    token: str = answer.json()["token"]["access_token"]
    return token


@pytest.fixture(scope="session")
def closed_fleet(tmp_path_factory: pytest.TempPathFactory, hub: HubServer) -> Iterator[Fleet]:
    """A fleet that wants credentials; as shared as the open one."""
    environment = {"ENABLE_AUTH": "true", "HF_ENDPOINT": hub.url}
    with Fleet(tmp_path_factory.mktemp("closed"), environment).running() as fleet:
        yield fleet


@pytest.fixture(scope="session")
def admin(closed_fleet: Fleet) -> dict[str, str]:
    """The headers of the first admin of the fleet that wants credentials."""
    password = (closed_fleet.home / "data/auth/admin-password").read_text()
    return sign_in(closed_fleet.url, password)


@pytest.fixture
async def client(fleet: Fleet, anyio_backend: str) -> AsyncIterator[httpx.AsyncClient]:
    async with fleet.client() as client:
        yield client


@pytest.fixture
def own_fleet(tmp_path: Path, hub: HubServer) -> Iterator[Fleet]:
    """A fleet of this test's own, not started, for what would disturb the others."""
    fleet = Fleet(tmp_path, {"HF_ENDPOINT": hub.url})
    yield fleet
    fleet.discard()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Shows what the fleet said beside a failure."""
    report = yield
    used = getattr(item, "funcargs", {})
    fleet = used.get("own_fleet") or used.get("fleet")
    if report.failed and call.when == "call" and isinstance(fleet, Fleet):
        report.sections.append(("the fleet", fleet.account()))
    return report
