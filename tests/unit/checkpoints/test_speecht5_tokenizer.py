from pathlib import Path
from typing import Any

from transformers import SpeechT5Tokenizer

from tests.checkpoints.speecht5_tokenizer import (
    BLANK_TOKEN_ID,
    MASK_TOKEN_ID,
    write_speecht5_tokenizer,
)


def load(folder: Path) -> Any:
    write_speecht5_tokenizer(folder)
    return SpeechT5Tokenizer.from_pretrained(folder)


def test_special_tokens_have_the_published_ids(tmp_path: Path) -> None:
    tokenizer = load(tmp_path)
    names = ["<s>", "<pad>", "</s>", "<unk>", "▁", "<mask>", "<ctc_blank>"]
    expected = [0, 1, 2, 3, 4, MASK_TOKEN_ID, BLANK_TOKEN_ID]
    assert tokenizer.convert_tokens_to_ids(names) == expected


def test_text_is_split_to_characters_that_the_embedding_has(tmp_path: Path) -> None:
    tokenizer = load(tmp_path)
    ids = tokenizer("Hello, it's me.").input_ids
    assert len(ids) == len("▁Hello, it's me.") + 1
    assert ids[-1] == tokenizer.eos_token_id
    assert max(ids) < MASK_TOKEN_ID
    assert tokenizer.unk_token_id not in ids
