"""What no file may hold: too much, unfinished marks, one machine's paths, a package index."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.checkout import Checkout
from tests.architecture.conftest import Sample

LONGEST = 400
# The words are put together here so that this file does not hold them itself.
UNFINISHED = re.compile(rf"\b({'TO'}DO|FIX{'ME'}|X{'XX'}|HA{'CK'}|NotImplemented{'Error'})\b")
MACHINE_PATH = re.compile(r"(?<![\w./-])/(work|root|farm|opt/(wheels|pypi)|(home|Users)/\w+)\b")
INDEX_HOST = re.compile(
    r"\b("
    + "|".join(
        re.escape(".".join(parts))
        for parts in (
            ("pypi", "org"),
            ("pythonhosted", "org"),
            ("download", "pytorch", "org"),
            ("registry", "npmjs", "org"),
            ("deb", "debian", "org"),
            ("conda", "anaconda", "org"),
        )
    )
    # PyTorch's host has models beside its index.
    + r")\b(?!/models\b)"
)


def _lines(checkout: Checkout, pattern: re.Pattern[str]) -> Iterator[str]:
    for path, text in checkout.texts():
        for number, line in enumerate(text.splitlines(), 1):
            if found := pattern.search(line):
                yield f"{path}:{number}: {found[0]}"


def too_long(checkout: Checkout) -> list[str]:
    counts = ((p, len(t.splitlines())) for p, t in checkout.texts() if p.suffix == ".py")
    return [f"{p}: {n} lines; which two nouns live in it?" for p, n in counts if n > LONGEST]


def unfinished(checkout: Checkout) -> list[str]:
    return list(_lines(checkout, UNFINISHED))


def machine_paths(checkout: Checkout) -> list[str]:
    return list(_lines(checkout, MACHINE_PATH))


def index_hosts(checkout: Checkout) -> list[str]:
    return list(_lines(checkout, INDEX_HOST))


def test_no_python_file_is_over_the_limit(checkout: Checkout) -> None:
    assert too_long(checkout) == []


def test_nothing_is_marked_unfinished(checkout: Checkout) -> None:
    assert unfinished(checkout) == []


def test_no_file_names_a_path_of_one_machine(checkout: Checkout) -> None:
    assert machine_paths(checkout) == []


def test_no_file_names_a_package_index(checkout: Checkout) -> None:
    assert index_hosts(checkout) == []


def test_rule_sees_a_file_of_one_line_too_many(sample: Sample) -> None:
    assert too_long(sample({"a.py": "x = 1\n" * LONGEST})) == []
    assert too_long(sample({"a.py": "x = 1\n" * (LONGEST + 1)})) != []


@pytest.mark.parametrize(
    "line", ["# TO" + "DO: later", "# FIX" + "ME", "raise NotImplemented" + "Error(x)"]
)
def test_rule_sees_an_unfinished_mark(sample: Sample, line: str) -> None:
    assert unfinished(sample({"a.py": f"x = 1\n{line}\n"})) != []


@pytest.mark.parametrize("path", ["/wo" + "rk/main", "'/ro" + "ot'", "/ho" + "me/ann/x"])
def test_rule_sees_a_machines_path(sample: Sample, path: str) -> None:
    assert machine_paths(sample({"a.md": f"see {path}\n"})) != []


@pytest.mark.parametrize("path", ["a/work/b", "./root", "/models/root", "https://h/work"])
def test_rule_passes_other_paths(sample: Sample, path: str) -> None:
    assert machine_paths(sample({"a.md": f"see {path}\n"})) == []


def test_rule_sees_a_package_index(sample: Sample) -> None:
    assert index_hosts(sample({"Makefile": "X := https://py" + "pi.org/simple\n"})) != []


def test_rule_passes_a_host_of_models(sample: Sample) -> None:
    line = "https://down" + "load.pytorch.org"
    assert index_hosts(sample({"a.py": f'"{line}/models"\n'})) == []
    assert index_hosts(sample({"a.py": f'"{line}/whl/cpu"\n'})) != []


def test_binary_file_is_passed_over(sample: Sample, tmp_path: Path) -> None:
    checkout = sample({"a.bin": ""})
    (tmp_path / "a.bin").write_bytes(b"\xff\xfe\x00")
    assert unfinished(checkout) == []
