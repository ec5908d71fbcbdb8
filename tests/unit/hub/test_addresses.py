import pytest

from tests.hub.addresses import Address, parse_address
from tests.hub.repo import RepoKind

M, D = RepoKind.MODEL, RepoKind.DATASET


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/api/models/gpt2", Address(M, "gpt2", "info")),
        ("/api/models/a/b", Address(M, "a/b", "info")),
        ("/api/models/a/b/revision/refs%2Fpr%2F1", Address(M, "a/b", "info", "refs/pr/1")),
        ("/api/datasets/a/b/tree/main/x%2Fy", Address(D, "a/b", "tree", "main", "x/y")),
        ("/gpt2/resolve/main/f", Address(M, "gpt2", "resolve", "main", "f")),
        ("/a/b/resolve/v1/x/y%20z", Address(M, "a/b", "resolve", "v1", "x/y z")),
        ("/datasets/a/b/resolve/main/f", Address(D, "a/b", "resolve", "main", "f")),
        ("/cdn/models/a/b/abc/f", Address(M, "a/b", "cdn", "abc", "f")),
        ("/", None),
        ("/api/models/a/b/resolve-not/x", None),
        ("/a/b/resolve/main", None),
    ],
)
def test_parse(path: str, expected: Address | None) -> None:
    assert parse_address(path) == expected


def test_resolve_path_reads_back() -> None:
    address = Address(D, "a/b", "resolve", "refs/convert/parquet", "x/y z.bin")
    assert parse_address(address.resolve_path) == address
