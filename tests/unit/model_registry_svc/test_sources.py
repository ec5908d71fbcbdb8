from pathlib import Path

from fleetserve.clock import SystemClock
from model_registry_svc.settings import SERVICE, load_settings
from model_registry_svc.source.base import SourceRef
from model_registry_svc.sources import build_sources


def test_fleet_offers_the_hub_addresses_and_folders(tmp_path: Path) -> None:
    environ = {
        "FLEETSERVE_HOME": str(tmp_path),
        "FLEETSERVE_CONFIG": str(tmp_path / "none"),
        "FLEETSERVE_MODELS__LOCAL_ROOTS": f"[{tmp_path / 'mine'}]",
    }
    sources = build_sources(load_settings(SERVICE, environ), SystemClock())
    assert sorted(sources) == [
        "huggingface",
        "local",
        "pytorch_hub",
        "torchvision",
        "url",
    ]
    (tmp_path / "mine" / "m").mkdir(parents=True)
    (tmp_path / "mine" / "m" / "model.pt2").write_bytes(b"x")
    found = sources["local"].resolve(SourceRef(str(tmp_path / "mine" / "m")))
    assert [a.path for a in found.artifacts] == ["model.pt2"]
