from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fleetserve.errors import InvalidFieldError
from inference_svc.generation.vocabulary import Vocabulary
from tests.unit.inference_svc.generation.conftest import Library

TEXTS = ("", "the quick brown fox", "naïve café 🙂 你好", "  spaces  and\nlines\n")


@pytest.fixture(scope="module")
def vocabulary(llama_folder: Path) -> Vocabulary:
    return Vocabulary(llama_folder)


@pytest.mark.parametrize("text", TEXTS)
def test_it_encodes_and_decodes_as_the_library(
    vocabulary: Vocabulary, library: Library, text: str
) -> None:
    ids = vocabulary.encode(text)
    assert ids == library.ids(text)
    assert vocabulary.decode(ids) == library.text(ids) == text


def test_nothing_is_cut_off(vocabulary: Vocabulary) -> None:
    assert len(vocabulary.encode("hello " * 2000)) > 2000


def test_the_empty_text_begins_with_the_token_that_begins(vocabulary: Vocabulary) -> None:
    assert vocabulary.encode_prompt("") == [0]


def test_special_tokens_are_seen_alone_and_left_out_of_texts(vocabulary: Vocabulary) -> None:
    (end,) = vocabulary.encode("<|im_end|>")
    assert end == vocabulary.end_id
    assert vocabulary.token_text(end) == "<|im_end|>"
    assert vocabulary.decode([end]) == ""


def test_it_may_be_used_in_several_threads(vocabulary: Vocabulary) -> None:
    expected = [vocabulary.encode(text) for text in TEXTS]
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(vocabulary.encode, TEXTS * 20)) == expected * 20


def test_a_chat_the_template_refuses_is_told_why(vocabulary: Vocabulary) -> None:
    with pytest.raises(InvalidFieldError, match="roles are system, user") as wrong:
        vocabulary.render_chat([{"role": "wizard", "content": "a"}], None)
    assert wrong.value.field == "inputs"
    with pytest.raises(InvalidFieldError, match="refuses"):
        vocabulary.render_chat([{"role": "user", "content": ["a"]}], None)


def test_without_a_template_chats_are_refused(gpt2_folder: Path) -> None:
    gpt2 = Vocabulary(gpt2_folder)
    assert not gpt2.has_chat
    with pytest.raises(InvalidFieldError, match="no chat template"):
        gpt2.render_chat([{"role": "user", "content": "a"}], None)
