import torch

from inference_svc.optimization.threads import with_threads
from tests.unit.inference_svc.optimization.tiny import TinyEngine


def test_threads_hold_for_its_own_passes_only() -> None:
    seen: list[int] = []
    engine = TinyEngine(lambda _: seen.append(torch.get_num_threads()))
    engine.load()
    threaded = with_threads(engine, 2)
    threaded.predict_batch([threaded.prepare("a", None)])
    assert seen == [2]
    assert torch.get_num_threads() == 1


def test_everything_else_is_the_engine(engine: TinyEngine) -> None:
    assert with_threads(engine, 2).info is engine.info
    with_threads(engine, 2).unload()
    assert engine.unloaded


def test_no_number_leaves_the_engine_as_it_is(engine: TinyEngine) -> None:
    assert with_threads(engine, 0) is engine
