from concurrent.futures import ThreadPoolExecutor

import pytest
from transformers import AutoTokenizer

from inference_svc.engine.text_encoding import TextEncoder, _SlowEncoder, load_encoder
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
    slow = _SlowEncoder(library, 256, 0, types=True)
    for text in TEXTS:
        assert slow.encode(text).ids.tolist() == encoder.encode(text).ids.tolist()
