from pathlib import Path

import httpx
import pytest

from tests.unit.fleetserve.cli.conftest import MakeShell, Shell


@pytest.fixture
def sh(shell: MakeShell, tmp_path: Path) -> Shell:
    sh = shell(lambda _: httpx.Response(500))
    sh.environ = {
        f"FLEETSERVE_{name}": str(tmp_path / file)
        for name, file in (
            ("CONFIG", "config.yaml"),
            ("CATALOGUE", "models.json"),
            ("AUTH", "auth.yaml"),
        )
    }
    return sh


def test_files_that_were_read_and_the_environment_are_named(sh: Shell, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("batch:\n  max_size: 8\n")
    (tmp_path / "models.json").write_text("{}")
    sh.environ["PORT"] = "9000"
    assert sh("config", "check") == 0
    assert sh.out.splitlines() == [
        f"{tmp_path}/config.yaml: ok",
        f"{tmp_path}/models.json: ok",
        f"{tmp_path}/auth.yaml: not there; defaults hold",
        "server.port: set by environment PORT",
    ]


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("config.yaml", "batch:\n  max_sise: 8\n", ":2: batch.max_sise: no such key"),
        ("config.yaml", "batch:\n  max_size: many\n", ":2: batch.max_size"),
        ("config.yaml", "batches: {}\n", ":1: batches: no such section"),
        ("models.json", '{\n "a": oops}', ":2: not JSON"),
        ("auth.yaml", "a: [", "auth.yaml: not"),
        ("auth.yaml", "cors:\n  origin: []\n", "auth.yaml:2: cors.origin: no such key"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(
    sh: Shell, tmp_path: Path, file: str, content: str, said: str
) -> None:
    (tmp_path / file).write_text(content)
    assert sh("config", "check") == 1
    assert sh.err.startswith("fleetserve: the configuration is wrong\n  ")
    assert said in sh.err
    assert sh.out == ""


def test_wrong_environment_is_named(sh: Shell) -> None:
    sh.environ["FLEETSERVE_BATCH__MAX_SISE"] = "8"
    assert sh("config", "check") == 1
    assert "FLEETSERVE_BATCH__MAX_SISE" in sh.err
