import runpy

import pytest


def test_wrong_settings_end_it_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FLEETSERVE_ENGINE_SOCKET", raising=False)
    monkeypatch.setenv("FLEETSERVE_ENGINE_URL", "nonsense")
    with pytest.raises(SystemExit, match="FLEETSERVE_ENGINE_URL"):
        runpy.run_module("autoscaler_svc", run_name="__main__")
