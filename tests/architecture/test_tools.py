"""The tools look at every package, and the lock holds every requirement."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.architecture.checkout import Checkout
from tests.architecture.conftest import Sample

LOCK = Path("requirements.lock")
PROJECT = Path("pyproject.toml")


def _plain(requirement: str) -> str:
    name = re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0]
    return re.sub(r"[-_.]+", "-", name).lower()


def _read(checkout: Checkout, path: Path) -> dict[str, Any]:
    return tomllib.loads(checkout.text(path))


def unlocked(checkout: Checkout) -> list[str]:
    """Requirements that the lock has no version of, or another one than asked for."""
    lines = [line.partition(" ;")[0] for line in checkout.text(LOCK).splitlines() if "==" in line]
    locked = {_plain(line): line.partition("==")[2] for line in lines}
    found = []
    for requirement in _requirements(checkout):
        version = locked.get(_plain(requirement))
        if version is None or version != (_exact(requirement) or version):
            found.append(f"{requirement}: the lock has {version}; run make lock")
    return found


def _exact(requirement: str) -> str:
    return requirement.partition(";")[0].partition("==")[2].strip()


def _requirements(checkout: Checkout) -> list[str]:
    projects = [_read(checkout, p) for p in checkout.files if p.name == "pyproject.toml"]
    own = {_plain(p["project"]["name"]) for p in projects if "project" in p}
    found: set[str] = set()
    for project in projects:
        found.update(project.get("project", {}).get("dependencies", []))
        for group in ("dependency-groups", "project.optional-dependencies"):
            table = project
            for key in group.split("."):
                table = table.get(key, {})
            for names in table.values():
                found.update(names)
    return sorted(name for name in found if _plain(name) not in own)


def unseen(checkout: Checkout) -> list[str]:
    """Packages that a tool is not told of."""
    tool = _read(checkout, PROJECT)["tool"]
    linter = tool["importlinter"]
    independent = next(c for c in linter["contracts"] if c["type"] == "independence")
    found = []
    for package in checkout.packages:
        folder = "shared" if package == "fleetserve" else package.replace("_", "-")
        source = f"{folder}/src"
        seen = {
            "ruff src": source in tool["ruff"]["src"],
            "mypy_path": source in tool["mypy"]["mypy_path"],
            "mypy files": source in tool["mypy"]["files"],
            "import-linter root_packages": package in linter["root_packages"],
            "import-linter independence": package in ("fleetserve", *independent["modules"]),
        }
        found += [f"{tool_name} misses {package}" for tool_name, told in seen.items() if not told]
    return found


def undescribed_targets(checkout: Checkout) -> list[str]:
    text = checkout.text(Path("Makefile"))
    named = re.findall(r"^\.PHONY: (.*)$", text, re.MULTILINE)
    targets = {target for line in named for target in line.split()} - {"FORCE"}
    described = set(re.findall(r"^([a-z-]+):.*## \S", text, re.MULTILINE))
    return sorted(targets ^ described)


def test_every_requirement_is_locked(checkout: Checkout) -> None:
    assert unlocked(checkout) == []


def test_lock_names_versions_and_no_places(checkout: Checkout) -> None:
    lines = checkout.text(LOCK).splitlines()[1:]
    assert [line for line in lines if not re.fullmatch(r"[a-z0-9-]+==[\w.]+( ; .+)?", line)] == []


def test_every_tool_sees_every_package(checkout: Checkout) -> None:
    assert unseen(checkout) == []


def test_every_target_is_in_the_help(checkout: Checkout) -> None:
    assert undescribed_targets(checkout) == []


def test_folders_agree_on_the_python_version(checkout: Checkout) -> None:
    paths = [p for p in checkout.files if p.name == "pyproject.toml" and len(p.parts) == 2]
    assert len({_read(checkout, path)["project"]["requires-python"] for path in paths}) == 1


@pytest.mark.parametrize(
    ("asked", "locked"), [("a", "b==1\n"), ("a==2", "a==1\n"), ("b[c]==2", "a==1\n")]
)
def test_rule_sees_what_is_not_locked(sample: Sample, asked: str, locked: str) -> None:
    text = f'[project]\nname = "x"\ndependencies = ["{asked}"]\n'
    assert unlocked(sample({"x/pyproject.toml": text, "requirements.lock": locked})) != []


@pytest.mark.parametrize("asked", ["a", "a==1", "A", "a[b]", "a; sys_platform == 'linux'", "x"])
def test_rule_passes_what_is_locked(sample: Sample, asked: str) -> None:
    text = f'[project]\nname = "x"\ndependencies = ["{asked}"]\n'
    assert unlocked(sample({"x/pyproject.toml": text, "requirements.lock": "a==1\n"})) == []


def test_rule_sees_a_package_that_no_tool_is_told_of(sample: Sample) -> None:
    text = (
        "[tool.ruff]\nsrc = []\n[tool.mypy]\nmypy_path = []\nfiles = []\n"
        "[tool.importlinter]\nroot_packages = []\n[[tool.importlinter.contracts]]\n"
        'type = "independence"\nmodules = []\n'
    )
    found = unseen(sample({"pyproject.toml": text, "gpu-svc/src/gpu_svc/a.py": ""}))
    assert "mypy_path misses gpu_svc" in found


def test_rule_sees_a_target_without_a_line_of_help(sample: Sample) -> None:
    made = sample({"Makefile": ".PHONY: run FORCE\n.PHONY: test\nrun: ## Start\ntest:\n"})
    assert undescribed_targets(made) == ["test"]
