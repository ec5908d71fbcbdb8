import pytest

from tests.hub.ranges import Selection, select


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, Selection(200, 0, 100)),
        ({"range": "bytes=0-9"}, Selection(206, 0, 10)),
        ({"range": "bytes=90-200"}, Selection(206, 90, 100)),
        ({"range": "bytes=-10"}, Selection(206, 90, 100)),
        ({"range": "bytes=-200"}, Selection(206, 0, 100)),
        ({"range": "bytes=-0"}, Selection(416)),
        ({"range": "bytes=100-"}, Selection(416)),
        ({"range": "bytes=5-2"}, Selection(200, 0, 100)),
        ({"range": "bytes=0-1,5-6"}, Selection(200, 0, 100)),
        ({"range": "lines=1-2"}, Selection(200, 0, 100)),
        ({"range": "bytes=5-", "if-range": '"e"'}, Selection(206, 5, 100)),
        ({"range": "bytes=5-", "if-range": '"old"'}, Selection(200, 0, 100)),
        ({"range": "bytes=5-", "if-match": '"old"'}, Selection(412)),
        ({"if-match": '"old", "e"'}, Selection(200, 0, 100)),
        ({"if-match": "*"}, Selection(200, 0, 100)),
        ({"if-none-match": 'W/"e"'}, Selection(304)),
    ],
)
def test_selection(headers: dict[str, str], expected: Selection) -> None:
    assert select(100, "e", headers) == expected


def test_empty_file_has_no_range() -> None:
    assert select(0, "e", {"range": "bytes=0-"}) == Selection(416)
    assert select(0, "e", {}) == Selection(200, 0, 0)
