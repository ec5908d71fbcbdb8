import pytest

from inference_svc.engine.base import Prepared
from inference_svc.engine.memory import MemoryEngine


def test_it_remembers_what_it_was_asked() -> None:
    engine = MemoryEngine()
    engine.load()
    engine.warm_up()
    assert engine.predict_batch([Prepared("ab", 2), Prepared("c", 1)]) == [2, 1]
    assert engine.batches == [["ab", "c"]]


def test_poison_fails_the_batch_it_is_in() -> None:
    engine = MemoryEngine(poison=frozenset({"bad"}))
    engine.load()
    with pytest.raises(ValueError, match="bad"):
        engine.predict_batch([Prepared("ok", 2), Prepared("bad", 3)])


def test_unloaded_it_predicts_nothing() -> None:
    engine = MemoryEngine()
    engine.load()
    engine.unload()
    with pytest.raises(RuntimeError):
        engine.predict_batch([Prepared("a", 1)])
