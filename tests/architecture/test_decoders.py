"""msgspec makes its plan of a type at the first use, and crashes where two threads do that at once.

So each plan is made while its module is imported: by a Decoder, which is what decodes.
"""

import ast
from collections.abc import Iterator

from tests.architecture.checkout import Checkout, Module
from tests.architecture.conftest import Sample


def late_plans(module: Module) -> Iterator[str]:
    """Where a type is named to msgspec for the first time in a call, perhaps in a thread."""
    known = {ast.unparse(c.args[0]) for c in _calls(module) if _called(c) == "json.Decoder"}
    for call in _calls(module):
        if _called(call) in ("json.decode", "msgpack.decode") and any(
            keyword.arg == "type" for keyword in call.keywords
        ):
            yield f"{module.path}:{call.lineno}: decodes a type without a Decoder made at import"
        if (
            _called(call) == "convert"
            and isinstance(call.args[1], ast.Name)
            and call.args[1].id not in known
        ):
            yield f"{module.path}:{call.lineno}: {call.args[1].id} has no Decoder made at import"


def _calls(module: Module) -> Iterator[ast.Call]:
    return (node for node in ast.walk(module.tree) if isinstance(node, ast.Call))


def _called(call: ast.Call) -> str:
    """What of msgspec is called, such as json.decode; "": nothing of it."""
    name = ast.unparse(call.func)
    return name.removeprefix("msgspec.") if name.startswith("msgspec.") else ""


def test_plans_of_types_are_made_at_import(checkout: Checkout) -> None:
    assert [found for module in checkout.modules for found in late_plans(module)] == []


def test_late_plan_is_found(sample: Sample) -> None:
    late = sample(
        {
            "shared/src/fleetserve/a.py": "import msgspec\n\nmsgspec.json.decode(b'', type=int)\n",
            "shared/src/fleetserve/b.py": "import msgspec\n\nmsgspec.convert({}, Thing)\n",
            "shared/src/fleetserve/c.py": (
                "import msgspec\n\nmsgspec.json.Decoder(Thing)\nmsgspec.convert({}, Thing)\n"
            ),
        }
    )
    found = [found for module in late.modules for found in late_plans(module)]
    assert [line.partition(":")[0] for line in found] == [
        "shared/src/fleetserve/a.py",
        "shared/src/fleetserve/b.py",
    ]
