from pathlib import Path

import pytest

from fleetserve.errors import ModelNotFoundError
from fleetserve.manifest import Manifest, publish_manifest
from fleetserve.tunings import (
    Measurement,
    Tuning,
    find_tuning,
    read_tunings,
    tunings_path,
    write_tunings,
)

TUNING = Tuning("r", "2.13", "cpu/x", "bf16", 512, measurements=(Measurement("float32", 8.0),))


@pytest.fixture
def models(tmp_path: Path) -> Path:
    publish_manifest(tmp_path, Manifest("m", "local", "m", "r", "tensor", (), 0, 0.0))
    return tmp_path


def test_what_is_written_is_read(models: Path) -> None:
    write_tunings(models, "m", (TUNING,))
    assert read_tunings(models, "m") == (TUNING,)


def test_only_the_tuning_of_this_revision_torch_and_hardware_holds(models: Path) -> None:
    write_tunings(models, "m", (TUNING,))
    assert find_tuning(models, "m", ("r", "2.13", "cpu/x")) == TUNING
    for other in (("s", "2.13", "cpu/x"), ("r", "2.14", "cpu/x"), ("r", "2.13", "cpu/y")):
        assert find_tuning(models, "m", other) is None


def test_none_left_leaves_no_file(models: Path) -> None:
    write_tunings(models, "m", (TUNING,))
    write_tunings(models, "m", ())
    assert not tunings_path(models, "m").exists()


def test_a_file_that_can_not_be_understood_is_as_none(models: Path) -> None:
    tunings_path(models, "m").write_bytes(b'[{"revision": 5}]')
    assert read_tunings(models, "m") == ()


def test_a_model_that_is_not_published_has_none(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError):
        write_tunings(tmp_path, "m", (TUNING,))
    assert read_tunings(tmp_path, "m") == ()


def test_it_says_what_it_does() -> None:
    assert TUNING.applied == ["bf16", "token_budget=512"]
    assert Tuning("r", "t", "h", "", 0, 1).applied == ["threads=1"]
    assert Tuning("r", "t", "h", "").applied == []
