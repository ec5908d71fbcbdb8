import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_registry_svc.safe_paths import (
    HostilePathError,
    check_no_overlap,
    check_relative_path,
)


@pytest.mark.parametrize(
    "path", ["config.json", "1_Pooling/config.json", "a b/ü.txt", ".gitattributes", "a/b/c/d.bin"]
)
def test_plain_paths_are_taken(path: str) -> None:
    assert check_relative_path(path) == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/etc/passwd",
        "../x",
        "a/../../x",
        "a/./b",
        "a//b",
        "a/",
        "..",
        "a\\..\\b",
        "C:/x",
        "a\0b",
        "a\nb",
        "a/...",
        "a/ ",
        "x" * 600,
        "/".join("a" * 20),
    ],
)
def test_paths_that_could_lead_elsewhere_are_refused(path: str) -> None:
    with pytest.raises(HostilePathError):
        check_relative_path(path)


@given(st.text(st.characters(codec="utf-8"), max_size=40))
def test_whatever_is_taken_stays_below_its_folder(path: str) -> None:
    try:
        check_relative_path(path)
    except HostilePathError:
        return
    parts = path.split("/")
    assert not path.startswith("/")
    assert not {"", ".", ".."} & set(parts)
    assert "\\" not in path


def test_path_that_is_there_twice_is_refused() -> None:
    with pytest.raises(HostilePathError, match="twice"):
        check_no_overlap(["a", "b", "a"])


def test_path_that_is_file_and_folder_is_refused() -> None:
    with pytest.raises(HostilePathError, match="file and a folder"):
        check_no_overlap(["a/b", "a"])


def test_separate_paths_are_taken() -> None:
    check_no_overlap(["a/b", "a/c", "ab", "b"])
