import pytest
from pydantic import ValidationError

from fleetserve.config import AutoscalerConfig, BatchConfig, FleetConfig, InferenceConfig


def test_defaults_are_a_whole_configuration() -> None:
    config = FleetConfig()
    assert (config.server.bind, config.server.port) == ("127.0.0.1", 8000)
    assert config.security.enable_auth is False


@pytest.mark.parametrize("device", ["auto", "cpu", "cuda", "cuda:3", "mps"])
def test_known_devices_are_taken(device: str) -> None:
    assert InferenceConfig(device=device).device == device


@pytest.mark.parametrize("device", ["gpu", "cuda:", "cuda:x", "CPU", "cpu "])
def test_unknown_device_is_refused(device: str) -> None:
    with pytest.raises(ValidationError, match="device"):
        InferenceConfig(device=device)


def test_unknown_key_is_refused() -> None:
    with pytest.raises(ValidationError, match="max_sise"):
        BatchConfig.model_validate({"max_sise": 3})


def test_configuration_does_not_change_after_it_was_read() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        FleetConfig().server.port = 1  # type: ignore[misc]


@pytest.mark.parametrize("seconds", [0, -1.0])
def test_times_are_above_zero(seconds: float) -> None:
    with pytest.raises(ValidationError, match="greater than 0"):
        AutoscalerConfig(interval_s=seconds)
