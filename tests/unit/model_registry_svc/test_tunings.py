from pathlib import Path

import pytest

from fleetserve.errors import ModelNotFoundError
from fleetserve.manifest import Manifest, publish_manifest
from fleetserve.tunings import Tuning
from model_registry_svc.library import Library
from model_registry_svc.tunings import TuningBook


@pytest.fixture
def book(tmp_path: Path) -> TuningBook:
    publish_manifest(tmp_path, Manifest("my_model", "local", "m", "r2", "tensor", (), 0, 0.0))
    return TuningBook(Library(tmp_path))


def test_a_name_may_be_spelt_either_way(book: TuningBook) -> None:
    tuning = Tuning("r2", "t", "h", "bf16")
    book.put("my-model", tuning)
    assert book.all("my_model") == (tuning,)


def test_tunings_of_earlier_revisions_go(book: TuningBook) -> None:
    for revision in ("r1", "r2"):
        book.put("my_model", Tuning(revision, "t", "h", "bf16"))
    assert [tuning.revision for tuning in book.all("my_model")] == ["r2"]


def test_all_are_forgotten_at_once(book: TuningBook) -> None:
    for hardware in ("a", "b"):
        book.put("my_model", Tuning("r2", "t", hardware, "bf16"))
    assert (book.clear("my_model"), book.clear("my_model")) == (2, 0)
    assert book.all("my_model") == ()


def test_an_unknown_model_is_told(book: TuningBook) -> None:
    for call in (book.all, book.clear):
        with pytest.raises(ModelNotFoundError):
            call("nobody")
