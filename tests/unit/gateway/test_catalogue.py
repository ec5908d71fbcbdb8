from pathlib import Path

import pytest

from gateway.catalogue import read_catalogue


def test_names_and_aliases_are_read(tmp_path: Path) -> None:
    path = tmp_path / "models.json"
    path.write_bytes(b'{"available_models":{"a":{},"b":{}},"aliases":{"c":"a","d":["b","a"]}}')
    assert read_catalogue(path) == (["a", "b"], {"c": ["a"], "d": ["b", "a"]})


@pytest.mark.parametrize("content", [None, b"", b"[]", b"{", b'{"available_models":3}'])
def test_file_that_cannot_be_read_is_as_an_empty_one(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "models.json"
    if content is not None:
        path.write_bytes(content)
    assert read_catalogue(path) == ([], {})
