import pytest

from fleetserve.errors import InvalidFieldError
from inference_svc.engine.parameters import Parameters

KNOWN = ("n", "flag", "word", "words")


def test_what_is_left_out_or_null_has_its_default() -> None:
    for given in (Parameters({}, KNOWN), Parameters(dict.fromkeys(KNOWN), KNOWN)):
        assert given.integer("n", 3, least=1, most=9) == 3
        assert given.number("n", 0.5, least=0.0, most=1.0) == 0.5
        assert given.flag("flag", default=True) is True
        assert given.choice("word", "a", ("a", "b")) == "a"
        assert given.text("word", "x") == "x"
        assert given.texts("words") == ()
        assert not given.has("n")


def test_null_means_all_where_something_is_counted() -> None:
    assert Parameters({"n": None}, KNOWN).count("n", 5, most=9) is None
    assert Parameters({}, KNOWN).count("n", 5, most=9) == 5
    assert Parameters({"n": 2}, KNOWN).count("n", 5, most=9) == 2


def test_texts_are_a_list_or_one_with_commas() -> None:
    assert Parameters({"words": ["a b", " c "]}, KNOWN).texts("words") == ("a b", "c")
    assert Parameters({"words": "a b, c"}, KNOWN).texts("words") == ("a b", "c")


@pytest.mark.parametrize("value", [0, 10, 1.5, "3", True])
def test_wrong_integers_are_told_with_the_bounds(value: object) -> None:
    with pytest.raises(InvalidFieldError) as wrong:
        Parameters({"n": value}, KNOWN).integer("n", 3, least=1, most=9)
    assert wrong.value.detail == f"parameters.n: is {value!r}; it takes an integer from 1 to 9"


@pytest.mark.parametrize("value", [-0.1, 1.01, "1", False, float("nan")])
def test_wrong_numbers_are_told_with_the_bounds(value: object) -> None:
    with pytest.raises(InvalidFieldError, match="it takes a number from 0 to 1"):
        Parameters({"n": value}, KNOWN).number("n", 0.5, least=0.0, most=1.0)


@pytest.mark.parametrize("value", [3, ["a", 3], [""], "a,,b", {}])
def test_wrong_texts_are_told(value: object) -> None:
    with pytest.raises(InvalidFieldError) as wrong:
        Parameters({"words": value}, KNOWN).texts("words")
    assert wrong.value.field == "parameters.words"


@pytest.mark.parametrize(
    ("known", "takes"), [(KNOWN, "flag, n, word, words"), ((), "none")], ids=["some", "none"]
)
def test_a_name_that_is_not_known_is_told_with_those_that_are(
    known: tuple[str, ...], takes: str
) -> None:
    with pytest.raises(InvalidFieldError) as wrong:
        Parameters({"x": 1}, known)
    assert wrong.value.detail == f"parameters.x: is not known; this model takes {takes}"
