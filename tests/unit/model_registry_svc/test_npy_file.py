import io

import numpy as np
import pytest

from model_registry_svc.npy_file import read_vector


def npy(array: np.ndarray, version: tuple[int, int] | None = None) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array(file, array, version)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["<f4", "<f8", "<f2"])
@pytest.mark.parametrize("shape", [(512,), (1, 512), (512, 1)])
@pytest.mark.parametrize("version", [None, (2, 0), (3, 0)])
def test_what_numpy_wrote_is_read(
    kind: str, shape: tuple[int, ...], version: tuple[int, int] | None
) -> None:
    array = np.random.default_rng(0).standard_normal(shape).astype(kind)
    assert read_vector(npy(array, version)) == array.ravel().tolist()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x93NUMPY",
        b"hello world, this is text",
        npy(np.ones(4, np.float32))[:-1],
        npy(np.ones(4, np.float32)) + b"x",
        npy(np.ones(4, np.int64)),
        npy(np.ones(4, ">f4")),
        npy(np.ones(0, np.float32)),
        npy(np.ones(4, np.float32)).replace(b"'shape': (4,)", b"'shape': (9e9"),
        npy(np.ones(4, np.float32)).replace(b"(4,)", b"(-4)"),
    ],
)
def test_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="it"):
        read_vector(data)
