import shutil

import pytest

from inference_svc.optimization import hardware
from inference_svc.optimization.hardware import Hardware, cpu_abilities, look_at


def test_abilities_that_change_which_arithmetic_is_fast_are_told() -> None:
    text = "processor : 0\nflags\t\t: fpu avx2 avx512f avx512_vnni amx_bf16 ssse3\n"
    assert cpu_abilities(text) == {"avx2", "avx512", "vnni", "amx-bf16"}


def test_arm_has_its_flags_under_another_name() -> None:
    assert cpu_abilities("Features : fp asimd asimddp i8mm bf16") == {"dotprod", "i8mm", "bf16"}


def test_a_system_that_says_nothing_has_none() -> None:
    assert cpu_abilities("") == frozenset()


def test_key_does_not_depend_on_the_order_of_flags() -> None:
    first = Hardware("cpu", "cpu", "x86_64", frozenset(["b", "a"]))
    second = Hardware("cpu", "cpu", "x86_64", frozenset(["a", "b"]))
    assert first.key == second.key == "cpu/x86_64/a+b"


def test_two_cpus_of_other_abilities_have_other_keys() -> None:
    with_amx = Hardware("cpu", "cpu", "x86_64", frozenset(["amx-bf16"]))
    assert with_amx.key != Hardware("cpu", "cpu", "x86_64", frozenset()).key == "cpu/x86_64"


def test_this_machine_can_be_looked_at() -> None:
    assert look_at("cpu").kind == "cpu"
    assert look_at("mps").key.startswith("mps/")


def test_missing_compiler_is_told_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert "apt-get install g++" in (hardware.missing_compiler() or "")
    monkeypatch.setattr(shutil, "which", lambda _: "/usr/bin/c++")
    assert hardware.missing_compiler() is None
