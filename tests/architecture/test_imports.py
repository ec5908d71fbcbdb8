"""Who imports whom. The lint step's import-linter says the same; this says it in a second."""

import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.architecture.checkout import Checkout, Module
from tests.architecture.conftest import Sample

HEAVY = ("torch", "docker", "celery")
# Parts are named in app.py and __main__.py, and, each for a reason, here.
# These run in environments of their own, which the benchmark makes.
PEERS = Path("benchmarks/peers/servers")
COMPOSERS = {
    "gateway.openapi": "describes the data plane with the schemas of api",
    "gpu_svc.api.examples": "the documentation's examples are answers of the recorded machines",
    "gpu_svc.record": "makes the recordings from the machine it runs on",
    "inference_svc.optimization.techniques": "the table of techniques: one line for each",
    "model_registry_svc.sources": "the table of sources: one line for each",
    "model_registry_svc.worker": "the composition root of the second process",
}
# Where the engine's client may be used: the orchestrator's adapter, and the proxy before it.
DOCKER_USERS = ("autoscaler_svc.orchestrator.docker", "autoscaler_svc.proxy")


def _within(name: str, packages: tuple[str, ...]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def _breaking(checkout: Checkout, breaks: Callable[[Module, str], bool], why: str) -> Iterator[str]:
    for module in checkout.modules:
        for line, imported in module.imports():
            if breaks(module, imported):
                yield f"{module.path}:{line}: imports {imported}; {why}"


def cross_service(checkout: Checkout) -> list[str]:
    services = set(checkout.packages) - {"fleetserve"}

    def breaks(module: Module, imported: str) -> bool:
        return imported.partition(".")[0] in services - {module.package}

    return list(_breaking(checkout, breaks, "a service is imported by nobody else"))


def heavy_base(checkout: Checkout) -> list[str]:
    def breaks(module: Module, imported: str) -> bool:
        return module.package == "fleetserve" and _within(imported, HEAVY)

    return list(_breaking(checkout, breaks, "fleetserve stays light"))


def docker_elsewhere(checkout: Checkout) -> list[str]:
    def breaks(module: Module, imported: str) -> bool:
        return _within(imported, ("docker",)) and not _within(module.name, DOCKER_USERS)

    return list(_breaking(checkout, breaks, "only the orchestrator's adapter and the proxy do"))


def _composes(module: Module) -> bool:
    return module.path.name in ("app.py", "__main__.py") or module.name in COMPOSERS


def upward(checkout: Checkout) -> list[str]:
    """Handlers use the domain, never the other way."""

    def breaks(module: Module, imported: str) -> bool:
        api = (f"{module.package}.api",)
        return _within(imported, api) and not _within(module.name, api) and not _composes(module)

    return list(_breaking(checkout, breaks, "api is used where the app is composed"))


def adapters(checkout: Checkout) -> set[str]:
    """Modules beside a base.py in a service: a port's adapters."""
    ports = {m.path.parent for m in checkout.modules if m.path.name == "base.py"}
    return {
        m.name
        for m in checkout.modules
        if m.path.parent in ports
        and m.package != "fleetserve"
        and m.path.name not in ("base.py", "__init__.py")
    }


def adapters_named_elsewhere(checkout: Checkout) -> list[str]:
    known = tuple(adapters(checkout))

    def breaks(module: Module, imported: str) -> bool:
        port = next((a.rpartition(".")[0] for a in known if _within(imported, (a,))), None)
        return port is not None and not _within(module.name, (port,)) and not _composes(module)

    return list(_breaking(checkout, breaks, "adapters are named where the app is composed"))


def undeclared(checkout: Checkout) -> list[str]:
    """Imports that the folder's pyproject.toml does not ask for."""
    found = []
    for top in sorted({module.path.parts[0] for module in checkout.modules}):
        asked = _asked(checkout, Path(top, "pyproject.toml"))
        own = [module for module in checkout.modules if module.path.parts[0] == top]
        for module in own:
            found += [
                f"{module.path}:{line}: {imported} is in no dependency of {top}"
                for line, imported in module.imports()
                if not _providers(imported.partition(".")[0], module.package) & asked
            ]
    return found


def undeclared_by_tests(checkout: Checkout) -> list[str]:
    """What tests, benchmarks and scripts import, and no folder nor the dev group asks for."""
    projects = [p for p in checkout.files if p.name == "pyproject.toml" and len(p.parts) == 2]
    root = tomllib.loads(checkout.text(Path("pyproject.toml")))
    asked = {_plain(line) for line in root["dependency-groups"]["dev"]}
    asked |= {module.package for module in checkout.scripts}
    asked |= {"training"}  # Is run from its service's folder, and goes by its own name.
    asked = asked.union(*(_asked(checkout, path) for path in projects))
    return [
        f"{module.path}:{line}: {imported} is in no dependency; the dev group is its place"
        for module in checkout.scripts
        if not module.path.is_relative_to(PEERS)
        for line, imported in module.imports()
        if not _providers(imported.partition(".")[0], "") & asked
    ]


def _asked(checkout: Checkout, project: Path) -> set[str]:
    content = tomllib.loads(checkout.text(project))["project"]
    lines = [*content.get("dependencies", [])]
    for extra in content.get("optional-dependencies", {}).values():
        lines += extra
    return {_plain(line) for line in lines} | {"python", _plain(content["name"])}


def _plain(requirement: str) -> str:
    name = next((requirement[:i] for i, c in enumerate(requirement) if c in " [=<>!~;"), None)
    return (name or requirement).lower().replace("_", "-")


def _providers(top: str, package: str) -> set[str]:
    """The distributions that bring a top-level module."""
    if top in sys.stdlib_module_names:
        return {"python"}
    if top.startswith("fleetserve"):
        return {"fleetserve"}
    if top == package:
        return {top.replace("_", "-")}
    # fastapi promises these two as its own surface.
    if top in ("starlette", "pydantic_core"):
        return {"fastapi", "pydantic", top}
    return {_plain(name) for name in _installed().get(top, [top])}


@cache
def _installed() -> Mapping[str, list[str]]:
    """The distributions of each top-level module; reading them takes 0.1 s."""
    return packages_distributions()


def test_no_service_is_imported_by_another_or_by_the_base(checkout: Checkout) -> None:
    assert cross_service(checkout) == []


def test_the_base_is_light(checkout: Checkout) -> None:
    assert heavy_base(checkout) == []


def test_docker_is_used_in_its_places_only(checkout: Checkout) -> None:
    assert docker_elsewhere(checkout) == []


def test_handlers_are_used_by_the_composition_root_only(checkout: Checkout) -> None:
    assert upward(checkout) == []


def test_adapters_are_named_by_the_composition_root_only(checkout: Checkout) -> None:
    assert adapters_named_elsewhere(checkout) == []


def test_every_exception_is_still_needed(checkout: Checkout) -> None:
    assert set(COMPOSERS) <= {module.name for module in checkout.modules}


def test_every_import_is_a_declared_dependency(checkout: Checkout) -> None:
    assert undeclared(checkout) == []


def test_every_import_of_the_tests_is_a_declared_dependency(checkout: Checkout) -> None:
    assert undeclared_by_tests(checkout) == []


def test_rule_sees_an_undeclared_import_of_a_test(sample: Sample) -> None:
    made = sample(
        {
            "pyproject.toml": '[dependency-groups]\ndev = ["pytest"]\n',
            "tests/test_a.py": "import pytest\nimport tests.b\nimport numpy\n",
        }
    )
    assert undeclared_by_tests(made) == [
        "tests/test_a.py:3: numpy is in no dependency; the dev group is its place"
    ]


@pytest.mark.parametrize(
    ("rule", "name", "text"),
    [
        (cross_service, "gateway/src/gateway/a.py", "from gpu_svc import b\n"),
        (cross_service, "shared/src/fleetserve/a.py", "import gateway.app\n"),
        (cross_service, "gateway/src/gateway/a.py", "def f():\n    import gpu_svc.b\n"),
        (heavy_base, "shared/src/fleetserve/a.py", "from torch import nn\n"),
        (heavy_base, "shared/src/fleetserve/sub/a.py", "import celery\n"),
        (docker_elsewhere, "gateway/src/gateway/a.py", "import docker\n"),
        (upward, "gateway/src/gateway/a.py", "from gateway.api.core import router\n"),
        (
            adapters_named_elsewhere,
            "gateway/src/gateway/a.py",
            "from gateway.queue.memory import X\n",
        ),
        (undeclared, "gateway/src/gateway/a.py", "import numpy as np\n"),
    ],
)
def test_rule_sees_the_import(
    sample: Sample, rule: Callable[[Checkout], list[str]], name: str, text: str
) -> None:
    made = sample(
        {
            "gpu-svc/pyproject.toml": '[project]\nname = "gpu-svc"\n',
            "gateway/pyproject.toml": '[project]\nname = "gateway"\n',
            "shared/pyproject.toml": '[project]\nname = "fleetserve"\n',
            "gateway/src/gateway/queue/base.py": "",
            "gateway/src/gateway/queue/memory.py": "",
            "gpu-svc/src/gpu_svc/b.py": "",
            name: text,
        }
    )
    assert [line for line in rule(made) if line.startswith(name)] != []


def test_rules_pass_what_is_allowed(sample: Sample) -> None:
    app = "from gateway.api.core import r\nfrom gateway.queue.memory import X\nimport fleetserve\n"
    made = sample(
        {
            "gateway/pyproject.toml": '[project]\nname="gateway"\ndependencies=["fleetserve"]\n',
            "gateway/src/gateway/api/core.py": "import gateway.rules\nimport json\n",
            "gateway/src/gateway/rules.py": "from gateway.queue.base import Queue\n",
            "gateway/src/gateway/queue/base.py": "",
            "gateway/src/gateway/queue/memory.py": "import gateway.queue.base\n",
            "gateway/src/gateway/app.py": app,
            "autoscaler-svc/pyproject.toml": '[project]\nname="a"\ndependencies=["docker"]\n',
            "autoscaler-svc/src/autoscaler_svc/orchestrator/docker.py": "import docker\n",
        }
    )
    rules = (cross_service, heavy_base, docker_elsewhere, upward, adapters_named_elsewhere)
    assert [line for rule in (*rules, undeclared) for line in rule(made)] == []
