import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[2] / "shared" / "docker" / "install.py"
BASE = '[project]\nname = "fleetserve"\ndependencies = ["orjson", "redis[hiredis]"]\n'
SERVICE = """
[project]
name = "audio-svc"
dependencies = ["fleetserve", "orjson", "scipy"]
[project.optional-dependencies]
codecs = ["av"]
"""


@pytest.fixture
def install() -> ModuleType:
    spec = importlib.util.spec_from_file_location("install", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True)
def projects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder, text in (("shared", BASE), ("audio-svc", SERVICE)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "pyproject.toml").write_text(text)
    monkeypatch.chdir(tmp_path)


def test_what_folders_ask_for_is_put_together_without_themselves(install: ModuleType) -> None:
    assert install.requirements(["shared"]) == ["orjson", "redis[hiredis]"]
    wanted = install.requirements(["shared", "audio-svc"])
    assert wanted == ["orjson", "redis[hiredis]", "scipy"]


def test_extra_is_added_when_it_is_named(install: ModuleType) -> None:
    assert "av" in install.requirements(["shared", "audio-svc[codecs]"])
    assert "av" not in install.requirements(["shared", "audio-svc[]"])


def test_extra_that_is_not_there_ends_it(install: ModuleType) -> None:
    with pytest.raises(KeyError):
        install.requirements(["audio-svc[nothing]"])
