"""The error tree: each class is told apart by its status and code, wherever it is defined."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from tests.architecture.checkout import Checkout
from tests.architecture.conftest import Sample

BASE = "FleetError"
# Shown as the base itself is: an opaque 500.
SAME_AS_BASE = {"InternalError"}


@dataclass(frozen=True, eq=False)
class ErrorClass:
    name: str
    where: str
    bases: tuple[str, ...]
    own: dict[str, object]


def _classes(checkout: Checkout) -> Iterator[ErrorClass]:
    for module in checkout.modules:
        for node in module.tree.body:
            if isinstance(node, ast.ClassDef):
                bases = tuple(ast.unparse(base).rpartition(".")[2] for base in node.bases)
                where = f"{module.path}:{node.lineno}"
                yield ErrorClass(node.name, where, bases, dict(_constants(node)))


def _constants(node: ast.ClassDef) -> Iterator[tuple[str, object]]:
    """Class attributes with constant values, also those assigned several at once."""
    for target, value in (pair for statement in node.body for pair in _assigned(statement)):
        if isinstance(target, ast.Name) and isinstance(value, ast.Constant):
            yield target.id, value.value


def _assigned(statement: ast.stmt) -> Iterator[tuple[ast.expr, ast.expr | None]]:
    if isinstance(statement, ast.AnnAssign):
        yield statement.target, statement.value
    elif isinstance(statement, ast.Assign):
        target, value = statement.targets[0], statement.value
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
            yield from zip(target.elts, value.elts, strict=True)
        else:
            yield target, value


def error_tree(checkout: Checkout) -> dict[ErrorClass, tuple[object, object]]:
    """Status and code of every class below the base."""
    known = {c.name: c for c in _classes(checkout)}

    def inherited(found: ErrorClass | None, name: str) -> object:
        if found is None or name in found.own:
            return found.own[name] if found else None
        return next((v for b in found.bases if (v := inherited(known.get(b), name))), None)

    def below(found: ErrorClass | None) -> bool:
        return found is not None and any(b == BASE or below(known.get(b)) for b in found.bases)

    return {
        c: (inherited(c, "status"), inherited(c, "default_code"))
        for c in _classes(checkout)
        if below(c)
    }


def shared_codes(checkout: Checkout) -> list[str]:
    seen: dict[tuple[object, object], str] = {}
    found = []
    for error, key in error_tree(checkout).items():
        if error.name not in SAME_AS_BASE and key in seen:
            found.append(f"{error.where} {error.name}: {key} is {seen[key]}'s already")
        seen.setdefault(key, error.name)
    return found


def strange_codes(checkout: Checkout) -> list[str]:
    return [
        f"{error.where} {error.name}: the code {code!r} is not snake_case"
        for error, (_, code) in error_tree(checkout).items()
        if not (isinstance(code, str) and code.isidentifier() and code == code.lower())
    ]


def test_each_error_class_has_its_own_status_and_code(checkout: Checkout) -> None:
    assert shared_codes(checkout) == []


def test_codes_are_snake_case(checkout: Checkout) -> None:
    assert strange_codes(checkout) == []


def test_the_tree_is_found(checkout: Checkout) -> None:
    tree = {error.name: key for error, key in error_tree(checkout).items()}
    assert tree["ModelNotFoundError"] == (404, "model_not_found")
    assert tree["InternalError"] == (500, "internal_error")


ROOT_CLASS = 'class FleetError(Exception):\n    status: int = 500\n    default_code: str = "e"\n'


def test_rule_sees_a_class_without_a_code_of_its_own(sample: Sample) -> None:
    errors = ROOT_CLASS + 'class GoneError(FleetError):\n    status, default_code = 410, "gone"\n'
    other = "from fleetserve import errors\nclass AwayError(errors.GoneError):\n    title = 'x'\n"
    made = sample({"shared/src/fleetserve/errors.py": errors, "gateway/src/gateway/a.py": other})
    assert len(shared_codes(made)) == 1


def test_rule_sees_a_code_in_another_style(sample: Sample) -> None:
    errors = ROOT_CLASS + 'class GoneError(FleetError):\n    default_code = "Gone-Away"\n'
    assert len(strange_codes(sample({"shared/src/fleetserve/errors.py": errors}))) == 1
