import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu_svc.estimate import LARGEST_BATCH, Precision, estimate_fit

SIZES = st.floats(1, 500_000)


def test_a_7b_model_fits_a_t4_only_in_eight_bits() -> None:
    whole_mb, free_mb = 28_000.0, 14_910.0
    fits = {p: estimate_fit(whole_mb, p, free_mb).fits for p in Precision}
    assert fits == {
        Precision.FP32: False,
        Precision.BF16: False,
        Precision.FP16: False,
        Precision.FP8: True,
        Precision.INT8: True,
    }


def test_small_model_is_capped() -> None:
    assert estimate_fit(90.0, Precision.FP16, 140_000.0).max_batch == LARGEST_BATCH


def test_parts_add_up() -> None:
    fit = estimate_fit(1000.0, Precision.FP16, 4000.0, overhead_mb=600.0)
    assert (fit.weights_mb, fit.usable_mb, fit.needed_mb) == (500.0, 3600.0, 1150.0)
    assert fit.max_batch == 50


@given(SIZES, st.sampled_from(Precision), SIZES)
def test_fits_means_there_is_room_for_one(model_mb: float, p: Precision, free_mb: float) -> None:
    fit = estimate_fit(model_mb, p, free_mb)
    assert fit.fits == (fit.max_batch >= 1)
    assert 0 <= fit.max_batch <= LARGEST_BATCH
    if fit.fits:
        assert fit.needed_mb <= fit.usable_mb + 0.2  # Both are rounded to a tenth.


@given(SIZES, SIZES, st.floats(0, 100_000))
def test_more_memory_never_makes_the_batch_smaller(
    model_mb: float, free_mb: float, more_mb: float
) -> None:
    less = estimate_fit(model_mb, Precision.FP32, free_mb)
    assert estimate_fit(model_mb, Precision.FP32, free_mb + more_mb).max_batch >= less.max_batch


@pytest.mark.parametrize("free_mb", [0.0, 100.0, 599.0])
def test_no_room_for_the_context_is_no_fit(free_mb: float) -> None:
    assert estimate_fit(1.0, Precision.INT8, free_mb).max_batch == 0
