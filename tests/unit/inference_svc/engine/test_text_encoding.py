from concurrent.futures import ThreadPoolExecutor

import pytest
from transformers import AutoTokenizer

from inference_svc.engine.text_encoding import TextEncoder, _SlowEncoder, load_encoder, pad_rows
from tests.hub.minilm import minilm_folder

TEXTS = ("Hello, world!", "", "naïve café 東京 🙂", "one two three " * 200)


@pytest.fixture(scope="module")
def encoder() -> TextEncoder:
    return load_encoder(minilm_folder(), 256, 512)


def test_ids_are_those_of_the_library(encoder: TextEncoder) -> None:
    library = AutoTokenizer.from_pretrained(minilm_folder(), local_files_only=True)
    for text in TEXTS:
        found = encoder.encode(text)
        expected = library(text, truncation=True, max_length=256)
        assert found.ids.tolist() == expected["input_ids"]
        assert found.types is not None
        assert found.types.tolist() == expected["token_type_ids"]
    assert encoder.pad_id == library.pad_token_id


def test_long_texts_are_cut_where_the_layout_or_the_model_says() -> None:
    folder = minilm_folder()
    assert len(load_encoder(folder, 16, 512).encode(TEXTS[3]).ids) == 16
    assert len(load_encoder(folder, None, 512).encode(TEXTS[3]).ids) == 512
    assert len(load_encoder(folder, None, 100).encode(TEXTS[3]).ids) == 100


def test_threads_share_it_without_changing_a_thing(encoder: TextEncoder) -> None:
    expected = [encoder.encode(text).ids.tolist() for text in TEXTS]
    with ThreadPoolExecutor(4) as threads:
        rows = list(threads.map(encoder.encode, TEXTS * 50))
    assert [row.ids.tolist() for row in rows] == expected * 50


def test_a_tokenizer_in_python_gives_the_same(encoder: TextEncoder) -> None:
    library = AutoTokenizer.from_pretrained(minilm_folder(), local_files_only=True)
    slow = _SlowEncoder(library, 256, types=True, truncation="longest_first")
    for text in TEXTS:
        found, expected = slow.encode(text), encoder.encode(text)
        assert found.ids.tolist() == expected.ids.tolist()
        assert (found.cut, found.warning) == (expected.cut, expected.warning)
    assert slow.pad_id == encoder.pad_id


def test_what_was_cut_is_counted() -> None:
    encoder = load_encoder(minilm_folder(), 16, 512)
    row = encoder.encode(TEXTS[3])
    assert row.cut == 600 - 14
    assert row.warning == "was cut: the model reads 16 tokens, 586 more were left out"
    assert encoder.encode("short").warning == ""


@pytest.mark.parametrize("truncation", ["longest_first", "only_first", "only_second"])
def test_pairs_are_cut_as_the_library_cuts_them(truncation: str) -> None:
    library = AutoTokenizer.from_pretrained(minilm_folder(), local_files_only=True)
    encoder = load_encoder(minilm_folder(), 32, 512, truncation=truncation)
    first, second = "one two three " * 10, "four five six " * 12
    if truncation == "only_first":
        second = "four"
    if truncation == "only_second":
        first = "one"
    expected = library(first, second, truncation=truncation, max_length=32)
    row = encoder.encode(first, second)
    assert row.ids.tolist() == expected["input_ids"]
    assert row.types is not None
    assert row.types.tolist() == expected["token_type_ids"]
    assert row.cut == len(library(first, second)["input_ids"]) - 32


def test_rows_are_padded_on_the_right_to_the_longest() -> None:
    encoder = load_encoder(minilm_folder(), 32, 512)
    padded = pad_rows([encoder.encode("a"), encoder.encode("a b c")], encoder.pad_id, "cpu")
    assert set(padded) == {"input_ids", "attention_mask", "token_type_ids"}
    assert padded["attention_mask"].tolist() == [[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]]
    assert padded["input_ids"][0, 3:].tolist() == [encoder.pad_id] * 2
