from inference_svc.optimization.capture import capture_calls
from tests.unit.inference_svc.optimization.tiny import WIDTH, TinyEngine


def test_calls_of_one_input_and_of_several_are_captured(engine: TinyEngine) -> None:
    calls = capture_calls(engine, engine.samples(["a", "bb", "cc dd"] * 4))
    assert {tuple(call.args[0].shape) for call in calls} == {(1, WIDTH), (2, WIDTH), (8, WIDTH)}


def test_the_engine_stays_as_it_is(engine: TinyEngine) -> None:
    module = engine.module
    capture_calls(engine, engine.samples(["a"]))
    assert engine.module is module
