import pytest

from fleetserve.errors import InvalidFieldError
from model_registry_svc.names import check_name


@pytest.mark.parametrize("name", ["speecht5_tts", "all-MiniLM-L6-v2", "a", "v1.0", "7b"])
def test_good_names_are_taken(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize(
    "name", ["", ".hidden", "-x", "_x", "a/b", "../a", "a..b", "a.", "a b", "ä", "x" * 97, "a\n"]
)
def test_names_that_are_no_folder_names_are_refused_with_the_rule(name: str) -> None:
    with pytest.raises(InvalidFieldError, match="letters, digits") as caught:
        check_name(name)
    assert caught.value.field == "name"


@pytest.mark.parametrize("name", ["example", "Example", "status", "tiny_tts", "tiny-stt"])
def test_names_that_mean_something_else_are_reserved(name: str) -> None:
    with pytest.raises(InvalidFieldError, match="reserved"):
        check_name(name)
