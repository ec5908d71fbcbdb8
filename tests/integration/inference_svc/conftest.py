"""A fleet with a model of each task, all downloaded from the tests' hub at once."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from tests.checkpoints.tensors import write_export, write_script
from tests.hub.server import HubServer
from tests.integration.fleet import Fleet
from tests.integration.inference_svc.asked import MODELS


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory, hub: HubServer) -> Iterator[Fleet]:
    """Its own, since files of this machine may be imported into it."""
    folder = tmp_path_factory.mktemp("fleet")
    local = folder / "local"
    write_export(local / "steps.pt2")
    write_script(local / "steps.pt")
    environment = {
        "HF_ENDPOINT": hub.url,
        "FLEETSERVE_MODELS__LOCAL_ROOTS": f'["{local}"]',
        "FLEETSERVE_MODELS__ALLOW_PRIVATE_URLS": "true",
    }
    with Fleet(folder, environment).running() as fleet:
        asyncio.run(_download(fleet))
        yield fleet


@pytest.fixture
async def client(fleet: Fleet, anyio_backend: str) -> AsyncIterator[httpx.AsyncClient]:
    async with fleet.client() as client:
        yield client


@pytest.fixture(scope="module")
def local(fleet: Fleet) -> Path:
    """The folder that models may be imported from."""
    return fleet.home.parent / "local"


async def _download(fleet: Fleet) -> None:
    async with fleet.client() as client:
        answers = await asyncio.gather(*(_fetch(client, *pair) for pair in MODELS.items()))
    failed = [answer.text for answer in answers if not answer.is_success]
    assert not failed, f"{failed}\n{fleet.account()}"


async def _fetch(client: httpx.AsyncClient, name: str, model_id: str) -> httpx.Response:
    body = {"source": "huggingface", "model_id": model_id, "name": name, "wait": True}
    return await client.post("/models/download", json={**body, "load": False})
