"""What every store of tunings keeps."""

from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from fastapi import FastAPI

from fleetserve.clock import SystemClock
from fleetserve.errors import ModelNotFoundError, render_error
from fleetserve.manifest import Manifest, publish_manifest
from fleetserve.tokens import TokenSigner, make_secrets
from fleetserve.tunings import Tuning, read_tunings
from inference_svc.optimization.store.base import TuningStore
from inference_svc.optimization.store.memory import MemoryTuningStore
from inference_svc.optimization.store.registry import REGISTRY, RegistryTuningStore
from model_registry_svc.api.tunings import router
from model_registry_svc.library import Library
from model_registry_svc.tunings import TuningBook

Read = Callable[[], Sequence[Tuning]]


def registry(models_dir: Path) -> FastAPI:
    app = FastAPI()
    app.include_router(router)
    app.state.services = SimpleNamespace(tunings=TuningBook(Library(models_dir)))

    @app.exception_handler(ModelNotFoundError)
    async def answer(request: object, exc: ModelNotFoundError) -> httpx.Response:
        from fastapi import Response

        status, headers, body = render_error(exc, "")
        return Response(body, status, headers)  # type: ignore[return-value]

    return app


@pytest.fixture(params=["memory", "registry"])
async def kept(
    request: pytest.FixtureRequest, tmp_path: Path, anyio_backend: str
) -> AsyncIterator[tuple[TuningStore, Read]]:
    """A store that knows the model ``m``, and what it holds of it."""
    if request.param == "memory":
        memory = MemoryTuningStore("m")
        yield memory, lambda: list(memory.kept["m"].values())
        return
    publish_manifest(tmp_path, Manifest("m", "local", "m", "r", "tensor", (), 0, 0.0))
    make_secrets(tmp_path / "secrets", ["inference-svc", REGISTRY])
    signer = TokenSigner(tmp_path / "secrets", "inference-svc", SystemClock())

    async def find() -> str:
        return "http://registry"

    store = RegistryTuningStore(find, signer, httpx.ASGITransport(registry(tmp_path)))
    yield store, lambda: read_tunings(tmp_path, "m")
    await store.close()


async def test_a_tuning_is_kept(kept: tuple[TuningStore, Read]) -> None:
    store, read = kept
    tuning = Tuning("r", "2.13", "cpu/x", "bf16", 512, 2, 1.7, 256, 5.0)
    await store.put("m", tuning)
    assert list(read()) == [tuning]


async def test_the_later_one_for_the_same_hardware_counts(kept: tuple[TuningStore, Read]) -> None:
    store, read = kept
    for candidate in ("bf16", "int8"):
        await store.put("m", Tuning("r", "2.13", "cpu/x", candidate))
    assert [tuning.candidate for tuning in read()] == ["int8"]


async def test_other_hardware_has_its_own(kept: tuple[TuningStore, Read]) -> None:
    store, read = kept
    for hardware in ("cpu/x", "cuda/h100"):
        await store.put("m", Tuning("r", "2.13", hardware, "bf16"))
    assert {tuning.hardware for tuning in read()} == {"cpu/x", "cuda/h100"}


async def test_a_model_that_is_not_there_is_told(kept: tuple[TuningStore, Read]) -> None:
    with pytest.raises(ModelNotFoundError):
        await kept[0].put("nobody", Tuning("r", "2.13", "cpu/x", "bf16"))
