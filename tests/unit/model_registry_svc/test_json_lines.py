import pytest

from model_registry_svc.json_lines import line_of

TEXT = '{\n  "a": {\n    "b": [\n      1,\n      {"c": 2}\n    ]\n  },\n  "d": 1\n}\n'


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        ([], 1),
        (["a"], 2),
        (["a", "b"], 3),
        (["a", "b", "1"], 5),
        (["d"], 8),
        (["a", "none"], 2),
        (["none"], 1),
    ],
)
def test_line_of_the_innermost_known_key(keys: list[str], line: int) -> None:
    assert line_of(TEXT, keys) == line


def test_text_that_cannot_be_read_is_line_one() -> None:
    assert line_of("{", ["a"]) == 1
