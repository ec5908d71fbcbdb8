from fleetserve.tunings import Tuning
from inference_svc.engine.base import finish
from inference_svc.engine.memory import MemoryEngine
from inference_svc.optimization.chains import Bench
from inference_svc.optimization.technique.memory import MemoryTechnique
from inference_svc.optimization.techniques import all_techniques
from inference_svc.optimization.tuner import Tuner
from tests.unit.inference_svc.optimization.tiny import TinyEngine


def tuning(candidate: str, budget: int = 0, threads: int = 0) -> Tuning:
    return Tuning("r", "t", "h", candidate, budget, threads)


def test_engine_is_tuned_and_the_old_one_let_go(bench: Bench, engine: TinyEngine) -> None:
    tuned = Tuner(bench, all_techniques()).apply(engine, 10_000, tuning("bf16", 512), "m@r")
    assert tuned.engine.info.dtype == "bfloat16"
    assert tuned.applied == "bf16, token_budget=512"
    assert tuned.bytes < 10_000
    assert engine.unloaded
    assert len(finish(tuned.engine.predict_batch([tuned.engine.prepare("a", None)]))) == 1


def test_serving_never_builds(bench: Bench, engine: TinyEngine) -> None:
    technique = MemoryTechnique()
    Tuner(bench, {"memory": technique}).apply(engine, 10, tuning("memory"), "m@r")
    assert not technique.applied[0].build


def test_a_tuning_that_fails_costs_speed_and_not_service(bench: Bench, engine: TinyEngine) -> None:
    for wrong in ("bf17", "memory"):
        broken = {"memory": MemoryTechnique(fails=RuntimeError("no artefact"))}
        tuned = Tuner(bench, broken).apply(engine, 10, tuning(wrong), "m@r")
        assert (tuned.engine, tuned.bytes, tuned.applied) == (engine, 10, "")


def test_an_engine_of_another_kind_is_served_as_it_is(bench: Bench) -> None:
    engine = MemoryEngine()
    tuned = Tuner(bench, all_techniques()).apply(engine, 10, tuning("bf16"), "m@r")
    assert (tuned.engine, tuned.applied) == (engine, "")


def test_settings_alone_leave_the_model_as_it_is(bench: Bench, engine: TinyEngine) -> None:
    tuned = Tuner(bench, {}).apply(engine, 10, tuning("", 512, 2), "m@r")
    assert tuned.applied == "token_budget=512, threads=2"
    assert tuned.engine.info.dtype == "float32"
