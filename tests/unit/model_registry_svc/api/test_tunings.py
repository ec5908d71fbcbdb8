import httpx
import msgspec

from fleetserve.manifest import Manifest, publish_manifest
from fleetserve.tunings import Tuning
from tests.unit.model_registry_svc.conftest import Registry

TUNING = Tuning("r", "t", "h", "bf16")


async def test_a_tuning_is_put_read_and_forgotten(
    http: httpx.AsyncClient, registry: Registry
) -> None:
    manifest = Manifest("m", "local", "m", "r", "tensor", (), 0, 0.0)
    publish_manifest(registry.models_dir, manifest)
    raw = msgspec.json.encode(TUNING)
    assert (await http.put("/internal/tunings/m", content=raw)).status_code == 200
    (told,) = (await http.get("/internal/tunings/m")).json()["tunings"]
    assert msgspec.convert(told, Tuning) == TUNING
    assert (await http.delete("/internal/tunings/m")).json() == {"success": True, "removed": 1}
    assert (await http.get("/internal/tunings/m")).json()["tunings"] == []


async def test_what_is_no_tuning_is_refused(http: httpx.AsyncClient) -> None:
    assert (await http.put("/internal/tunings/m", content=b"{}")).status_code == 400


async def test_an_unknown_model_is_a_404(http: httpx.AsyncClient) -> None:
    assert (await http.get("/internal/tunings/nobody")).status_code == 404
