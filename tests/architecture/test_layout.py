"""The fixed top level, and the skeleton that is the same in each service."""

import tomllib
from pathlib import Path

import pytest

from tests.architecture.checkout import SERVICES, Checkout
from tests.architecture.conftest import Sample

FILES = {
    "ARCHITECTURE.md",
    "Makefile",
    "README.md",
    "auth.yaml",
    "config.yaml",
    "models.json",
    "pyproject.toml",
    "requirements.lock",
}
LATER_FILES = {"LICENSE", "docker-compose.gpu.yml", "docker-compose.yml", "docker-stack.yml"}
FOLDERS = {*SERVICES, "benchmarks", "docs", "shared", "tests"}
TEST_FOLDERS = {"architecture", "contract", "e2e", "integration", "unit"}
# What tests are made of, beside what they mirror.
TEST_PARTS = {"checkpoints", "hub"}
SKELETON = ("__init__.py", "__main__.py", "app.py", "settings.py", "api/__init__.py")
# How a service's own models were made; no part of its package.
TRAINING = {("audio-svc", "training")}
# What stands in shared: the base, and what only services with a worker import.
BASE = {"fleetserve", "fleetserve_celery"}
DRAWERS = {"common", "helper", "helpers", "misc", "util", "utils"}


def wrong_top_level(checkout: Checkout) -> list[str]:
    tops = {path.parts[0] for path in checkout.files if not path.parts[0].startswith(".")}
    found = [f"{name} does not belong to the top level" for name in tops - _allowed()]
    return found + [f"{name} is missing" for name in FILES - tops]


def _allowed() -> set[str]:
    return FILES | LATER_FILES | FOLDERS


def wrong_test_folders(checkout: Checkout) -> list[str]:
    inside = {p.parts[1] for p in checkout.files if p.parts[0] == "tests" and len(p.parts) > 2}
    return [f"tests/{name} mirrors nothing" for name in inside - TEST_FOLDERS - TEST_PARTS]


def wrong_skeletons(checkout: Checkout) -> list[str]:
    have = set(checkout.files)
    found = []
    for service in checkout.services:
        package = service.replace("-", "_")
        wanted = [Path(service, "src", package, name) for name in SKELETON]
        wanted += [Path(service, name) for name in ("pyproject.toml", *_dockerfile(checkout))]
        found += [f"{path} is missing" for path in wanted if path not in have]
        inside = {(service, "src", package), *TRAINING}
        found += [
            f"{path} is outside src/{package}"
            for path in checkout.files
            if path.parts[0] == service
            and path.suffix == ".py"
            and not {path.parts[:3], path.parts[:2]} & inside
        ]
    return found


def _dockerfile(checkout: Checkout) -> list[str]:
    """Once one service has a Dockerfile, all have."""
    return ["Dockerfile"] if any(p.name == "Dockerfile" for p in checkout.files) else []


def wrong_projects(checkout: Checkout) -> list[str]:
    found = []
    for path in checkout.files:
        if path.name != "pyproject.toml" or len(path.parts) != 2:
            continue
        content = tomllib.loads(checkout.text(path))
        name = {"shared": "fleetserve"}.get(path.parts[0], path.parts[0])
        where = content.get("tool", {}).get("setuptools", {}).get("packages", {}).get("find", {})
        if content["project"]["name"] != name:
            found.append(f"{path}: the name must be {name}")
        if where.get("where") != ["src"]:
            found.append(f"{path}: packages must be looked for in src")
    return found


def mirroring_nothing(checkout: Checkout) -> list[str]:
    """Unit tests whose module is not where their own place says."""
    files = {path.with_suffix("").as_posix() for path in checkout.files}
    found = []
    for path in checkout.files:
        if path.parts[:2] != ("tests", "unit") or not path.name.startswith("test_"):
            continue
        package, *rest = path.parts[2:]
        if not rest:
            continue
        top = "shared" if package in BASE else package.replace("_", "-")
        source = f"tests/{package}" if package in TEST_PARTS else f"{top}/src/{package}"
        name = path.stem.removeprefix("test_")
        wanted = Path(source, *rest[:-1], name).as_posix()
        if not {wanted, Path(source, *rest[:-1], f"__{name}__").as_posix()} & files:
            found.append(f"{path}: there is no {wanted}.py")
    return found


def drawers(checkout: Checkout) -> list[str]:
    return [
        f"{path}: name it after what it holds"
        for path in checkout.files
        if path.suffix == ".py" and DRAWERS & {Path(part).stem.strip("_") for part in path.parts}
    ]


def test_top_level_is_the_fixed_one(checkout: Checkout) -> None:
    assert wrong_top_level(checkout) == []


def test_test_folders_are_the_fixed_ones(checkout: Checkout) -> None:
    assert wrong_test_folders(checkout) == []


def test_each_service_has_the_skeleton(checkout: Checkout) -> None:
    assert wrong_skeletons(checkout) == []


def test_each_project_is_named_after_its_folder_and_has_a_src(checkout: Checkout) -> None:
    assert wrong_projects(checkout) == []


def test_each_unit_test_stands_where_its_module_does(checkout: Checkout) -> None:
    assert mirroring_nothing(checkout) == []


def test_no_file_or_folder_is_a_drawer(checkout: Checkout) -> None:
    assert drawers(checkout) == []


def test_rule_sees_what_does_not_belong_and_what_is_missing(sample: Sample) -> None:
    found = wrong_top_level(sample({"notes.txt": "", "extra/a.py": "", ".ci/run": ""}))
    assert "notes.txt does not belong to the top level" in found
    assert "extra does not belong to the top level" in found
    assert "README.md is missing" in found
    assert not any(".ci" in line for line in found)


def test_rule_sees_a_folder_of_tests_that_mirrors_nothing(sample: Sample) -> None:
    assert wrong_test_folders(sample({"tests/stuff/test_a.py": ""})) != []


def test_rule_sees_a_service_without_its_skeleton(sample: Sample) -> None:
    found = wrong_skeletons(sample({"gpu-svc/src/gpu_svc/app.py": "", "gpu-svc/gpu_svc/a.py": ""}))
    assert "gpu-svc/src/gpu_svc/settings.py is missing" in found
    assert "gpu-svc/pyproject.toml is missing" in found
    assert "gpu-svc/gpu_svc/a.py is outside src/gpu_svc" in found


def test_rule_wants_every_dockerfile_once_there_is_one(sample: Sample) -> None:
    found = wrong_skeletons(sample({"gateway/Dockerfile": "", "gpu-svc/src/gpu_svc/app.py": ""}))
    assert "gpu-svc/Dockerfile is missing" in found


def test_rule_sees_a_project_of_another_name(sample: Sample) -> None:
    found = wrong_projects(sample({"gpu-svc/pyproject.toml": '[project]\nname = "gpu"\n'}))
    assert len(found) == 2


def test_rule_sees_a_unit_test_of_nothing(sample: Sample) -> None:
    texts = {
        "gpu-svc/src/gpu_svc/api/gpu.py": "",
        "gpu-svc/src/gpu_svc/__main__.py": "",
        "tests/hub/server.py": "",
        "tests/unit/gpu_svc/api/test_gpu.py": "",
        "tests/unit/gpu_svc/test_main.py": "",
        "tests/unit/hub/test_server.py": "",
        "tests/unit/gpu_svc/test_gpu.py": "",
    }
    found = mirroring_nothing(sample(texts))
    assert found == ["tests/unit/gpu_svc/test_gpu.py: there is no gpu-svc/src/gpu_svc/gpu.py"]


@pytest.mark.parametrize("name", ["utils.py", "a/helpers/b.py", "_common.py", "misc/__init__.py"])
def test_rule_sees_a_drawer(sample: Sample, name: str) -> None:
    assert drawers(sample({name: ""})) != []
