from dataclasses import replace
from pathlib import Path

import pytest

from fleetserve.settings import load_service_settings
from fleetserve.supervisor.environment import (
    Wiring,
    child_environment,
    host_and_port,
    usable_cores,
)
from fleetserve.supervisor.services import FLEET, find_template
from fleetserve.supervisor.settings import SupervisorSettings
from tests.unit.fleetserve.supervisor.conftest import MakeSettings

WIRING = Wiring("redis://:pw@127.0.0.1:7/0", "fleetserve", Path("/tmp/e.sock"), 2)


def environment(
    settings: SupervisorSettings,
    service: str,
    extras: dict[str, str] | None = None,
    wiring: Wiring = WIRING,
) -> dict[str, str]:
    template = find_template(FLEET, service)
    assert template is not None
    return child_environment(
        settings,
        wiring,
        template,
        replica_id="r1",
        address_file=settings.home / "run" / "abc",
        extras=extras or {},
    )


def test_service_settings_read_from_it_are_the_fleet_s(make_settings: MakeSettings) -> None:
    settings = make_settings(FLEETSERVE_MODELS_DIR="/somewhere/models")
    found = load_service_settings("audio-svc", environment(settings, "audio-svc"))
    base = settings.base
    assert (found.home, found.models_dir, found.secrets_dir) == (
        base.home,
        Path("/somewhere/models"),
        base.secrets_dir,
    )
    assert (found.redis_url, found.key_prefix) == ("redis://:pw@127.0.0.1:7/0", "fleetserve")
    assert (found.listen_host, found.listen_port) == ("127.0.0.1", 0)
    assert found.replica_id == "r1"
    assert found.address_file == base.home / "run" / "abc"
    assert found.engine_socket == Path("/tmp/e.sock")
    assert found.config.logging.stdout is False


def test_gateway_alone_gets_port_and_bind(make_settings: MakeSettings) -> None:
    settings = make_settings(PORT="8123", BIND="127.0.0.2")
    gateway, registry = (environment(settings, s) for s in ("gateway", "model-registry-svc"))
    assert (gateway["PORT"], gateway["BIND"]) == ("8123", "127.0.0.2")
    assert gateway["FLEETSERVE_LISTEN"] == "127.0.0.2:8123"
    assert "PORT" not in registry
    assert "BIND" not in registry


def test_gateway_open_to_all_is_reached_by_loopback(make_settings: MakeSettings) -> None:
    settings = make_settings(PORT="8123", BIND="0.0.0.0")
    assert environment(settings, "gateway")["FLEETSERVE_ADVERTISE"] == "http://127.0.0.1:8123"


def test_cores_are_shared_among_those_that_compute(settings: SupervisorSettings) -> None:
    one = replace(WIRING, compute_processes=1)
    assert environment(settings, "audio-svc", wiring=one)["TORCH_THREADS"] == str(usable_cores())
    many = replace(WIRING, compute_processes=1000)
    assert environment(settings, "audio-svc", wiring=many)["TORCH_THREADS"] == "1"
    assert "TORCH_THREADS" not in environment(settings, "gateway")


def test_waiting_threads_sleep_unless_the_user_says_otherwise(
    make_settings: MakeSettings,
) -> None:
    assert environment(make_settings(), "inference-svc")["OMP_WAIT_POLICY"] == "PASSIVE"
    chosen = make_settings(OMP_WAIT_POLICY="ACTIVE")
    assert environment(chosen, "inference-svc")["OMP_WAIT_POLICY"] == "ACTIVE"


def test_threads_that_the_user_set_stay(make_settings: MakeSettings) -> None:
    settings = make_settings(TORCH_THREADS="3")
    assert environment(settings, "inference-svc")["TORCH_THREADS"] == "3"


def test_extras_win_over_what_is_inherited(make_settings: MakeSettings) -> None:
    settings = make_settings(TORCH_THREADS="3", DEVICE="cpu")
    found = environment(settings, "inference-svc", {"TORCH_THREADS": "1", "DEVICE": "cuda:1"})
    assert (found["TORCH_THREADS"], found["DEVICE"]) == ("1", "cuda:1")


def test_extras_cannot_cut_the_tie_to_the_fleet(settings: SupervisorSettings) -> None:
    found = environment(settings, "inference-svc", {"REDIS_URL": "redis://elsewhere"})
    assert found["REDIS_URL"] == WIRING.redis_url


@pytest.mark.parametrize(
    ("host", "shown"), [("127.0.0.1", "127.0.0.1:80"), ("::1", "[::1]:80"), ("a", "a:80")]
)
def test_ipv6_addresses_get_brackets(host: str, shown: str) -> None:
    assert host_and_port(host, 80) == shown
