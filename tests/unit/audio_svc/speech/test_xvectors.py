from pathlib import Path

import numpy as np
import pytest

from audio_svc.speech.xvectors import read_voices, read_xvector

SIZE = 512


def save(path: Path, value: object) -> Path:
    np.save(path, np.asarray(value), allow_pickle=True)
    return path


@pytest.mark.parametrize("shape", [(SIZE,), (1, SIZE)])
def test_vector_is_read_as_float32_of_one_dimension(tmp_path: Path, shape: tuple[int, ...]) -> None:
    vector = read_xvector(save(tmp_path / "v.npy", np.ones(shape)), SIZE)
    assert vector.shape == (SIZE,)
    assert vector.dtype == np.float32


@pytest.mark.parametrize(
    "value",
    [np.ones(SIZE - 1), np.zeros(SIZE), np.full(SIZE, np.nan), np.array([{"a": 1}], object)],
)
def test_what_is_no_voice_is_refused(tmp_path: Path, value: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_xvector(save(tmp_path / "v.npy", value), SIZE)


def test_bad_file_does_not_take_the_others_along(tmp_path: Path) -> None:
    save(tmp_path / "good.npy", np.ones(SIZE))
    (tmp_path / "bad.npy").write_bytes(b"no array")
    (tmp_path / "notes.txt").write_text("not a voice")
    assert list(read_voices(tmp_path, SIZE)) == ["good"]


def test_missing_folder_holds_no_voice(tmp_path: Path) -> None:
    assert read_voices(tmp_path / "voices", SIZE) == {}
