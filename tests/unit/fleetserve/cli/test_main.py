import os
import subprocess
import sys
from pathlib import Path
from shlex import quote

import pytest

from fleetserve.supervisor.ports import reserved_port


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"PATH": os.defpath, "HOME": str(tmp_path)}


def fleetserve(environ: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "fleetserve.cli", *arguments],
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_version_is_printed(environ: dict[str, str]) -> None:
    assert fleetserve(environ, "--version").stdout.startswith("fleetserve 0.")


def test_nothing_listening_is_a_block_and_exit_1(environ: dict[str, str]) -> None:
    with reserved_port() as port:
        environ["FLEETSERVE_URL"] = f"http://127.0.0.1:{port}"
        ended = fleetserve(environ, "status")
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"fleetserve: nothing answers at http://127.0.0.1:{port}\n")
    assert ended.stdout == ""


def test_supervisor_starts_without_an_http_client(environ: dict[str, str]) -> None:
    code = "import sys, fleetserve.cli.__main__, fleetserve.cli.up; print('httpx' in sys.modules)"
    ended = subprocess.run(
        [sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True
    )
    assert ended.stdout.strip() == "False"


def test_reader_that_stops_reading_is_no_traceback(environ: dict[str, str]) -> None:
    script = f"{quote(sys.executable)} -m fleetserve.cli config check | true"
    ended = subprocess.run(
        ["sh", "-c", script], env=environ, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.stderr == ""
