import pytest

from model_registry_svc.tensor_span import TensorSpan


def test_size_follows_shape_and_type() -> None:
    assert TensorSpan("F32", (2, 3), 0).size == 24
    assert TensorSpan("BF16", (5,), 0).size == 10
    assert TensorSpan("I64", (), 0).size == 8
    assert TensorSpan("F32", (0, 4), 0).size == 0


def test_thirds_lie_one_after_the_other() -> None:
    span = TensorSpan("F32", (6, 5), 100)
    assert span.thirds() == tuple(TensorSpan("F32", (2, 5), 100 + 40 * n) for n in range(3))


def test_what_is_no_multiple_of_three_is_not_cut() -> None:
    with pytest.raises(ValueError, match="in three"):
        TensorSpan("F32", (4, 5), 0).thirds()


def test_flat_keeps_the_bytes() -> None:
    span = TensorSpan("F16", (4, 1, 1), 8)
    assert span.flat() == TensorSpan("F16", (4,), 8)
    assert span.flat().size == span.size
