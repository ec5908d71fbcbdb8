import hashlib
import io
import zipfile
from pathlib import Path

import numpy as np

from tests.checkpoints.hub_root import XVECTOR_DATASET, XVECTOR_SPACE
from tests.checkpoints.xvectors import SLT_FILE, make_xvector, slt_sha256, xvector_file


def test_file_is_as_large_as_a_published_one() -> None:
    assert len(xvector_file(0)) == 2176


def test_vector_is_512_float32_of_length_one() -> None:
    vector = np.load(io.BytesIO(xvector_file(3)), allow_pickle=False)
    assert vector.shape == (512,)
    assert vector.dtype == np.float32
    assert abs(float(np.linalg.norm(vector)) - 1.0) < 1e-6
    assert np.array_equal(vector, make_xvector(3))


def test_hash_is_that_of_the_file_in_the_space(hub_root: Path) -> None:
    data = (hub_root / XVECTOR_SPACE / "spkemb" / SLT_FILE).read_bytes()
    assert hashlib.sha256(data).hexdigest() == slt_sha256()


def test_dataset_holds_the_same_vectors(hub_root: Path) -> None:
    with zipfile.ZipFile(hub_root / XVECTOR_DATASET / "spkrec-xvect.zip") as archive:
        assert archive.read(f"spkrec-xvect/{SLT_FILE}") == xvector_file(0)
