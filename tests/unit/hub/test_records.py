import pytest

from tests.hub.records import repeated_length


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([], 0),
        ([(0, 10), (10, 20)], 0),
        ([(0, 10), (5, 20)], 5),
        ([(0, 10), (0, 10), (0, 10)], 20),
        ([(10, 20), (0, 30)], 10),
    ],
)
def test_repeated_length(spans: list[tuple[int, int]], expected: int) -> None:
    assert repeated_length(spans) == expected
