"""What a log line's own fields are called."""

import ast
from collections.abc import Iterator

from tests.architecture.checkout import Checkout
from tests.architecture.conftest import Sample

# Every line has these, and they say who writes it; what it is about needs another name.
WRITER = {"service", "replica", "ts", "level", "event", "logger"}


def overwritten(checkout: Checkout) -> list[str]:
    """Fields of log calls that the writer's own would replace."""
    return [
        f"{module.path}:{call.lineno}: {keyword.arg}"
        for module in checkout.modules
        for call in _log_calls(module.tree)
        for keyword in call.keywords
        if keyword.arg in WRITER
    ]


def _log_calls(tree: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id == "log"
        ):
            yield node


def test_no_log_line_names_its_subject_as_its_writer(checkout: Checkout) -> None:
    assert overwritten(checkout) == []


def test_rule_sees_a_field_that_would_be_replaced(sample: Sample) -> None:
    made = sample({"gateway/src/gateway/a.py": 'log.info("x.done", replica=r.id, reason="")\n'})
    assert overwritten(made) == ["gateway/src/gateway/a.py:1: replica"]
