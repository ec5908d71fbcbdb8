from dataclasses import replace

from gpu_svc.api.rendering import best_answer, detect_answer
from gpu_svc.estimate import Precision
from gpu_svc.ranking import Need
from tests.unit.gpu_svc.conftest import make_devices


async def test_what_the_driver_does_not_tell_is_null() -> None:
    answer = detect_answer(await make_devices("two_unequal").look(), None)
    old, new = answer.gpus
    assert (old.power_w, old.utilization, old.mig_enabled) == (None, None, None)
    assert new.processes[0].used_memory_mb is None
    assert new.processes[0].name == "tritonserver"


async def test_no_model_named_gives_no_batch() -> None:
    answer = best_answer(await make_devices("t4").look(), Need())
    assert answer.best_gpu is not None
    assert (answer.fits, answer.estimated_max_batch_size, answer.fit) == (None, None, None)


async def test_a_model_too_large_has_no_best_gpu() -> None:
    look = await make_devices("t4").look()
    answer = best_answer(look, Need(60_000.0, Precision.FP32))
    assert (answer.best_gpu, answer.fits, answer.score) == (None, False, 0.0)
    assert answer.estimated_max_batch_size == 0
    assert "too small" in answer.reason


async def test_unread_cpu_is_null_and_mps_says_so() -> None:
    look = await make_devices("t4").look()
    bare = replace(look, hardware=replace(look.hardware, cpu=None, mps=None))
    answer = detect_answer(bare, None)
    assert answer.cpu is None
    assert answer.mps.reason == "It was not looked for"
    assert best_answer(bare, Need(90.0)).cpu_fit is None
