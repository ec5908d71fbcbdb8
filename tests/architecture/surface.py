"""The public surface of fleetserve: what services may use, as text.

python -m tests.architecture.surface    writes it down anew
"""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.checkout import Checkout, Module

STORED = Path(__file__).with_name("fleetserve_surface.txt")
ROOT = Path(__file__).parents[2]
# Used by nobody but the fleetserve command.
INNER = ("fleetserve.cli", "fleetserve.supervisor")


def surface(checkout: Checkout) -> str:
    """A line for each public name of each module: functions with their parameters."""
    lines = []
    for module in checkout.modules:
        if module.package == "fleetserve" and not module.name.startswith(INNER):
            lines += [f"{module.name}.{name}" for name in _public(module)]
    return "".join(f"{line}\n" for line in sorted(lines))


def _public(module: Module) -> Iterator[str]:
    for node in module.tree.body:
        for name in _names(node):
            if not name.startswith("_"):
                yield name


def _names(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        parameters = node.args.posonlyargs + node.args.args
        named = [a.arg for a in parameters] + [f"{a.arg}=" for a in node.args.kwonlyargs]
        yield f"{node.name}({', '.join(named)})"
    elif isinstance(node, ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        yield node.target.id
    elif isinstance(node, ast.Assign):
        yield from (t.id for t in node.targets if isinstance(t, ast.Name))


if __name__ == "__main__":
    STORED.write_text(surface(Checkout(ROOT)))
