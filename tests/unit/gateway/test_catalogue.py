from pathlib import Path

import pytest

from gateway.catalogue import Offer, read_catalogue


def test_offers_and_aliases_are_read(tmp_path: Path) -> None:
    path = tmp_path / "models.json"
    path.write_bytes(
        b'{"available_models":{"a":{"source":"url","model_id":"http://a","task":"fill-mask"},'
        b'"b":{}},"aliases":{"c":"a","d":["b","a"]}}'
    )
    offers, aliases = read_catalogue(path)
    assert offers == [Offer("a", "url", "http://a", "fill-mask"), Offer("b")]
    assert aliases == {"c": ["a"], "d": ["b", "a"]}


@pytest.mark.parametrize(
    "content", [None, b"", b"[]", b"{", b'{"available_models":3}', b'{"available_models":{"a":1}}']
)
def test_file_that_cannot_be_read_is_as_an_empty_one(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "models.json"
    if content is not None:
        path.write_bytes(content)
    assert read_catalogue(path) == ([], {})
