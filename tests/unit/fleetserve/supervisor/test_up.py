import socket
from pathlib import Path

import pytest

from fleetserve.supervisor.home import FleetRecord, claim_home
from fleetserve.supervisor.settings import load_supervisor_settings
from fleetserve.supervisor.up import up


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {
        "FLEETSERVE_HOME": str(tmp_path / "home"),
        "FLEETSERVE_CONFIG": str(tmp_path / "config.yaml"),
        "PORT": "0",
    }


def test_taken_port_is_one_line_and_nothing_is_started(
    environ: dict[str, str], capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert up(environ | {"PORT": str(port)}) == 1
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith(f"fleetserve: Port {port} on 127.0.0.1 is taken by another program.")
    assert len(err.splitlines()) == 1
    assert not list((tmp_path / "home" / "secrets").iterdir())


def test_home_in_use_is_one_line(
    environ: dict[str, str], capfd: pytest.CaptureFixture[str]
) -> None:
    record = FleetRecord(pid=4711, gateway="http://127.0.0.1:8000")
    with claim_home(load_supervisor_settings(environ), record):
        assert up(environ) == 1
    err = capfd.readouterr().err
    assert err.startswith("fleetserve: A fleet already runs in ")
    assert len(err.splitlines()) == 1


def test_wrong_configuration_names_file_line_and_key(
    environ: dict[str, str], capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "config.yaml").write_text("server:\n  prot: 1\n")
    assert up(environ) == 1
    err = capfd.readouterr().err
    assert "config.yaml:2: server.prot: no such key; did you mean port?" in err


def test_address_of_another_machine_fails_the_start(environ: dict[str, str]) -> None:
    assert up(environ | {"BIND": "192.0.2.1"}) == 1
