from pathlib import Path
from typing import Any

import pytest

from fleetserve.errors import InvalidFieldError
from inference_svc.optimization.chains import (
    DEFAULTS,
    Bench,
    module_bytes,
    read_chain,
    read_chains,
)
from inference_svc.optimization.technique.base import UnavailableTechniqueError
from inference_svc.optimization.technique.memory import MemoryTechnique
from inference_svc.optimization.techniques import all_techniques
from tests.unit.inference_svc.optimization.conftest import CPU
from tests.unit.inference_svc.optimization.tiny import tiny_module


def plus(text: str) -> MemoryTechnique:
    return MemoryTechnique(text, around=lambda module: lambda *a: module(*a) + text)


def identity(value: Any) -> Any:
    return value


def test_parts_are_applied_from_left_to_right(bench: Bench) -> None:
    parts = {name: plus(name) for name in "ab"}
    improved = bench.apply(read_chain("a+b", parts), identity, [], subject="m@1", build=True)
    assert improved.module("x") == "xab"
    assert improved.dtype == "memory"


def test_each_part_has_an_artefact_of_its_own(bench: Bench) -> None:
    parts = {name: plus(name) for name in "ab"}
    bench.apply(read_chain("a+b", parts), identity, [], subject="m@1", build=False)
    places = [parts[name].applied[0].artefact for name in "ab"]
    assert [place.name for place in places] == ["a", "a+b"]
    assert not parts["a"].applied[0].build


@pytest.mark.parametrize(
    ("subject", "torch_version"), [("m@2", "2.0"), ("m@1", "2.1")], ids=["revision", "torch"]
)
def test_compiled_code_of_something_else_is_not_found(
    bench: Bench, tmp_path: Path, subject: str, torch_version: str
) -> None:
    part = plus("a")
    chain = read_chain("a", {"a": part})
    bench.apply(chain, identity, [], subject="m@1", build=True)
    Bench(CPU, tmp_path, torch_version).apply(chain, identity, [], subject=subject, build=True)
    first, second = (workshop.artefact for workshop in part.applied)
    assert first.parent != second.parent


def test_a_part_that_is_unavailable_makes_the_chain_so(bench: Bench) -> None:
    parts = {"a": plus("a"), "b": MemoryTechnique("b", why_not="no compiler")}
    chain = read_chain("a+b", parts)
    assert chain.unavailable(CPU) == "no compiler"
    with pytest.raises(UnavailableTechniqueError, match="no compiler"):
        bench.apply(chain, identity, [], subject="m@1", build=True)
    assert parts["a"].applied == []


def test_unknown_candidate_is_refused_with_those_there_are() -> None:
    with pytest.raises(InvalidFieldError, match="'int4' is not known; there are a") as wrong:
        read_chain("a+int4", {"a": plus("a")})
    assert wrong.value.field == "candidates"


def test_each_candidate_is_tried_once() -> None:
    chains = read_chains(["a", "a"], {"a": plus("a")}, "cpu")
    assert [chain.name for chain in chains] == ["a"]


@pytest.mark.parametrize("kind", list(DEFAULTS))
def test_what_is_tried_by_itself_exists(kind: str) -> None:
    assert [c.name for c in read_chains(None, all_techniques(), kind)] == list(DEFAULTS[kind])


def test_bytes_of_a_module_are_those_of_its_weights() -> None:
    module = tiny_module()
    assert module_bytes(module) == sum(p.nbytes for p in module.parameters())
    assert module_bytes(identity) == 0
