from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from gpu_svc.assessment import Assessed, assess
from gpu_svc.estimate import Precision
from gpu_svc.hardware import Gpu
from gpu_svc.ranking import Need, rank
from tests.unit.gpu_svc.conftest import CUDA_BUILD

T4 = Gpu(0, "Tesla T4", "GPU-0", 15360.0, 14910.0, (7, 5), "Turing", "570", utilization=0.0)


def assessed(*gpus: Gpu) -> tuple[Assessed, ...]:
    return assess(gpus, [CUDA_BUILD], None)


def names(need: Need, *gpus: Gpu) -> list[int]:
    return [each.assessed.gpu.index for each in rank(assessed(*gpus), need)]


def test_the_idle_one_of_two_equals_wins() -> None:
    busy = replace(T4, utilization=90.0)
    assert names(Need(), busy, replace(T4, index=1)) == [1, 0]


def test_the_one_with_more_free_memory_wins() -> None:
    assert names(Need(), replace(T4, available_memory_mb=2000.0), replace(T4, index=1)) == [1, 0]


def test_equals_keep_the_order_of_the_bus() -> None:
    assert names(Need(), T4, replace(T4, index=1)) == [0, 1]


def test_what_does_not_fit_comes_last_whatever_its_merits() -> None:
    small = replace(T4, available_memory_mb=1000.0, compute_capability=(9, 0))
    ranked = rank(assessed(small, replace(T4, index=1, utilization=100.0)), Need(4000.0))
    assert [each.eligible for each in ranked] == [True, False]
    assert ranked[1].score == 0.0


def test_native_precision_counts() -> None:
    old = replace(T4, compute_capability=(7, 5))
    new = replace(T4, index=1, compute_capability=(8, 0))
    assert names(Need(420.0, Precision.BF16), old, new) == [1, 0]
    assert "native" in rank(assessed(new), Need(420.0, Precision.BF16))[0].reason


def test_no_gpu_gives_nobody() -> None:
    assert rank((), Need(90.0)) == []


@given(
    st.lists(
        st.tuples(st.floats(0, 80_000), st.floats(0, 100), st.sampled_from([(7, 5), (9, 0)])),
        max_size=5,
    ),
    st.floats(1, 100_000),
)
def test_scores_stay_in_bounds_and_nobody_is_lost(
    machines: list[tuple[float, float, tuple[int, int]]], model_mb: float
) -> None:
    gpus = [
        replace(
            T4,
            index=index,
            memory_mb=80_000.0,
            available_memory_mb=free,
            utilization=busy,
            compute_capability=version,
        )
        for index, (free, busy, version) in enumerate(machines)
    ]
    ranked = rank(assessed(*gpus), Need(model_mb))
    assert sorted(each.assessed.gpu.index for each in ranked) == list(range(len(gpus)))
    assert all(0 <= each.score <= 100 for each in ranked)
    eligible = [each.eligible for each in ranked]
    assert eligible == sorted(eligible, reverse=True)
