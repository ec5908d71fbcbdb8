import numpy as np
import pytest

from fleetserve.errors import InvalidFieldError
from inference_svc.open_inference.classification import classify

ROWS = np.array([[0.25, 0.5, 0.125], [3, 1, 2]], np.float32)


def test_the_largest_of_each_row_come_with_their_places() -> None:
    found = classify("y", ROWS, 2, frozenset({"y"}))
    assert found.tolist() == [[b"0.500000:1", b"0.250000:0"], [b"3.000000:0", b"2.000000:2"]]


def test_more_than_there_are_is_all_of_them() -> None:
    assert classify("y", ROWS, 9, frozenset({"y"})).shape == (2, 3)
    assert classify("y", np.array([7, 8]), 2, frozenset({"y"})).tolist() == [
        [b"7.000000:0"],
        [b"8.000000:0"],
    ]


@pytest.mark.parametrize(
    ("tensor", "names", "says"),
    [
        (np.array([b"a"], object), {"y"}, "no numbers"),
        (np.array([True]), {"y"}, "no numbers"),
        (ROWS, {"label", "score"}, "top_k"),
    ],
)
def test_what_has_no_places_says_so(tensor: object, names: set[str], says: str) -> None:
    with pytest.raises(InvalidFieldError, match=says):
        classify("y", tensor, 1, frozenset(names))  # type: ignore[arg-type]
