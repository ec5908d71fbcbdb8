"""The environment is read in settings.py files, wall time comes from the clock."""

import ast
from collections.abc import Iterator

import pytest

from tests.architecture.checkout import Checkout, Module
from tests.architecture.conftest import Sample

ENVIRONMENT = {"os.environ", "os.environb", "os.getenv", "os.getenvb", "os.putenv"}
CLOCK = "shared/src/fleetserve/clock.py"


def _uses(module: Module, names: set[str]) -> Iterator[int]:
    """Lines that import or reach one of the dotted names, under whatever alias of its module."""
    tops = {name.partition(".")[0] for name in names}
    aliases = {
        alias.asname or alias.name: alias.name
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Import)
        for alias in node.names
        if alias.name in tops
    }
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if f"{aliases.get(node.value.id, '')}.{node.attr}" in names:
                yield node.lineno
        elif isinstance(node, ast.ImportFrom) and names & {
            f"{node.module}.{alias.name}" for alias in node.names
        }:
            yield node.lineno


def environment_elsewhere(checkout: Checkout) -> list[str]:
    return [
        f"{module.path}:{line}: the environment is read in settings.py only"
        for module in checkout.modules
        if module.path.name != "settings.py"
        for line in _uses(module, ENVIRONMENT)
    ]


def wall_time_elsewhere(checkout: Checkout) -> list[str]:
    return [
        f"{module.path}:{line}: wall time comes from fleetserve.clock"
        for module in checkout.modules
        if module.path.as_posix() != CLOCK
        for line in _uses(module, {"time.time", "time.time_ns"})
    ]


def test_environment_is_read_in_settings_only(checkout: Checkout) -> None:
    assert environment_elsewhere(checkout) == []


def test_wall_time_comes_from_the_clock_only(checkout: Checkout) -> None:
    assert wall_time_elsewhere(checkout) == []


@pytest.mark.parametrize(
    "text",
    [
        "import os\nX = os.environ['A']\n",
        "import os as o\nX = o.getenv('A')\n",
        "from os import environ\n",
        "def f():\n    from os import getenv as g\n",
    ],
)
def test_rule_sees_the_environment(sample: Sample, text: str) -> None:
    assert environment_elsewhere(sample({"gateway/src/gateway/a.py": text})) != []
    assert environment_elsewhere(sample({"gateway/src/gateway/settings.py": text})) == []


@pytest.mark.parametrize(
    "text",
    ["import time\nX = time.time()\n", "from time import time\n", "from time import time_ns\n"],
)
def test_rule_sees_wall_time(sample: Sample, text: str) -> None:
    assert wall_time_elsewhere(sample({"gateway/src/gateway/a.py": text})) != []
    assert wall_time_elsewhere(sample({CLOCK: text})) == []


def test_rule_passes_monotonic_time_and_other_names(sample: Sample) -> None:
    text = "import time\nX = time.monotonic()\nclass A:\n    time = 1\nY = A.time\n"
    assert wall_time_elsewhere(sample({"gateway/src/gateway/a.py": text})) == []
