"""A whole fleet of tiny services, as a person sees it from a terminal."""

import re
import signal
import socket
import stat
from pathlib import Path

import httpx
import pytest

from fleetserve.supervisor.services import FLEET
from tests.integration.supervisor.conftest import StartFleet
from tests.integration.supervisor.fleet_runner import PROCESSES, RunningFleet, wait_until_gone


def test_each_service_has_a_line_and_the_end_says_what_to_try(fleet: RunningFleet) -> None:
    for name in PROCESSES:
        assert re.search(rf"^  ready  {name} .* \d+\.\d s$", fleet.output, re.MULTILINE), name
    fleet.wait_for(r"^  API   http://127\.0\.0\.1:\d+$")
    fleet.wait_for(r"^  curl http://127\.0\.0\.1:\d+/predict")
    assert "\x1b" not in fleet.output


def test_addresses_in_the_lines_answer(fleet: RunningFleet) -> None:
    addresses = re.findall(r"^  ready .* (http://\S+)", fleet.output, re.MULTILINE)
    assert len(addresses) == sum(template.serves_http for template in FLEET)
    for address in addresses:
        assert httpx.get(f"{address}/health/ready").status_code == 200


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_polite_signal_ends_everything_in_order(
    fleet: RunningFleet, number: signal.Signals
) -> None:
    pids = fleet.pids()
    assert len(pids) == len(PROCESSES) + 1
    fleet.signal(number)
    assert fleet.wait_until_ended() == 0
    assert wait_until_gone(pids) == set()
    assert "Stopped after" in fleet.output
    assert not (fleet.home / "engine.json").exists()


def test_second_ctrl_c_does_not_wait_for_a_service_that_hangs(start_fleet: StartFleet) -> None:
    fleet = start_fleet(TINY_AUDIO_SVC_1="deaf")
    fleet.wait_until_ready()
    pids = fleet.pids()
    fleet.press_ctrl_c()
    fleet.wait_for("^Stopping")
    fleet.press_ctrl_c()
    assert fleet.wait_until_ended() == 130
    assert wait_until_gone(pids) == set()


def test_ctrl_c_while_services_start_ends_everything(start_fleet: StartFleet) -> None:
    fleet = start_fleet(TINY_AUDIO_SVC_1="silent")
    fleet.wait_for(r"^  ready  gateway")
    pids = fleet.pids()
    fleet.press_ctrl_c()
    assert fleet.wait_until_ended() == 0
    assert wait_until_gone(pids) == set()


def test_service_that_crashes_fails_the_start_readably(start_fleet: StartFleet) -> None:
    fleet = start_fleet(TINY_AUDIO_SVC_1="crash")
    assert fleet.wait_until_ended() == 1
    assert "  FAIL   audio-svc-1" in fleet.output
    block = fleet.output[fleet.output.index("fleetserve: audio-svc did not start") :]
    assert "it ended with exit status 1" in block
    assert "    ModuleNotFoundError: No module named 'soundfile'" in block
    assert "`make run` installs everything" in block
    assert "Ready after" not in fleet.output
    assert fleet.pids() == set()


def test_service_that_is_not_ready_in_time_fails_the_start_with_its_reason(
    start_fleet: StartFleet,
) -> None:
    fleet = start_fleet(TINY_INFERENCE_SVC_1="unready", FLEETSERVE_START_TIMEOUT_S="2")
    assert fleet.wait_until_ended() == 1
    assert "inference-svc did not start: it did not become ready in time" in fleet.output
    assert "the model is loading" in fleet.output
    assert fleet.pids() == set()


def test_taken_port_is_one_line_before_anything_starts(start_fleet: StartFleet) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        fleet = start_fleet(PORT=str(port))
        assert fleet.wait_until_ended() == 1
    assert fleet.output.startswith(f"fleetserve: Port {port} on 127.0.0.1 is taken")
    assert re.search(r"PORT=\d+ make run\n$", fleet.output)
    assert len(fleet.output.splitlines()) == 1


def test_home_of_a_running_fleet_is_refused_with_its_address(
    fleet: RunningFleet, start_fleet: StartFleet
) -> None:
    second = start_fleet()
    assert second.wait_until_ended() == 1
    assert len(second.output.splitlines()) == 1
    assert f"(pid {fleet.process.pid}, {fleet.record().gateway})" in second.output
    assert httpx.get(f"{fleet.record().gateway}/health/ready").status_code == 200


def test_two_fleets_run_side_by_side(start_fleet: StartFleet) -> None:
    first, second = start_fleet("one"), start_fleet("two")
    first.wait_until_ready()
    second.wait_until_ready()
    first.press_ctrl_c()
    assert first.wait_until_ended() == 0
    assert httpx.get(f"{second.record().gateway}/health/ready").status_code == 200


def test_children_are_told_where_everything_is(fleet: RunningFleet) -> None:
    found = httpx.get(f"{fleet.record().gateway}/environment").json()
    assert found["FLEETSERVE_HOME"] == str(fleet.home)
    assert found["FLEETSERVE_ENGINE_SOCKET"] == fleet.record().engine_socket
    assert found["REDIS_URL"].startswith("redis://:")
    assert found["FLEETSERVE_REPLICA_ID"] == "gateway"


def test_what_is_secret_is_readable_by_its_owner_only(fleet: RunningFleet) -> None:
    def mode(path: Path) -> int:
        return stat.S_IMODE(path.stat().st_mode)

    secrets = fleet.home / "secrets"
    assert {mode(path) for path in secrets.rglob("*") if path.is_file()} == {0o600}
    assert {mode(path) for path in secrets.rglob("*") if path.is_dir()} == {0o700}
    engine = Path(fleet.record().engine_socket)
    assert (mode(fleet.home), mode(engine), mode(engine.parent)) == (0o700, 0o600, 0o700)


def test_password_of_redis_is_on_no_command_line(fleet: RunningFleet) -> None:
    password = (fleet.home / "secrets" / "redis-password").read_bytes()
    for pid in fleet.pids():
        assert password not in Path(f"/proc/{pid}/cmdline").read_bytes()


def test_idle_supervisor_costs_next_to_nothing(fleet: RunningFleet) -> None:
    status = Path(f"/proc/{fleet.process.pid}/status").read_text()
    resident = re.search(r"^VmRSS:\s+(\d+) kB", status, re.MULTILINE)
    assert resident is not None
    assert int(resident[1]) < 60 * 1024
