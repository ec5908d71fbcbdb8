"""A byte-level BPE with the ids of multilingual Whisper: 50257 tokens, then the special ones.

The first 256 tokens are GPT-2's bytes; every other token is the merge of two earlier ones, so
that any text can be tokenised and every id decodes to pronounceable letters.
"""

import itertools
import json
from pathlib import Path

from tokenizers.pre_tokenizers import ByteLevel
from transformers import WhisperTokenizer
from transformers.models.whisper.tokenization_whisper import LANGUAGES

TEXT_VOCABULARY_SIZE = 50257
END_OF_TEXT_ID = 50257
START_OF_TRANSCRIPT_ID = 50258
NO_TIMESTAMPS_ID = 50363
TIMESTAMP_COUNT = 1501
VOCABULARY_SIZE = 51865
SPACE = "Ġ"

# whisper-base knows 99 languages; Cantonese came with large-v3.
LANGUAGE_CODES = tuple(code for code in LANGUAGES if code != "yue")


def _byte_alphabet() -> list[str]:
    """GPT-2's order: the printable bytes first, then the rest."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [byte for byte in range(256) if byte not in set(printable)]
    shifted = {byte: chr(256 + index) for index, byte in enumerate(rest)}
    alphabet = [shifted.get(byte, chr(byte)) for byte in (*printable, *rest)]
    assert set(alphabet) == set(ByteLevel.alphabet())
    return alphabet


def make_vocabulary() -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Token to id, and the merges in order."""
    syllables = list(itertools.product("bdfghjklmnprstvwz", "aeiou"))
    plain = ["".join(pair) for pair in syllables]
    merges = [*syllables, *((SPACE, syllable) for syllable in plain)]
    merges += ((SPACE + first, second) for first in plain for second in plain)
    pairs = [SPACE + first + second for first in plain for second in plain]
    merges += ((first, second) for first in pairs for second in plain)
    alphabet = _byte_alphabet()
    del merges[TEXT_VOCABULARY_SIZE - len(alphabet) :]
    tokens = [*alphabet, *(first + second for first, second in merges)]
    assert len(set(tokens)) == TEXT_VOCABULARY_SIZE
    return {token: index for index, token in enumerate(tokens)}, merges


def special_tokens() -> list[str]:
    """The special tokens in the order of their ids, from END_OF_TEXT_ID."""
    languages = [f"<|{code}|>" for code in LANGUAGE_CODES]
    tasks = ["translate", "transcribe", "startoflm", "startofprev", "nocaptions", "notimestamps"]
    names = [f"<|{name}|>" for name in tasks]
    return ["<|endoftext|>", "<|startoftranscript|>", *languages, *names]


def _added_token(content: str, *, special: bool) -> dict[str, object]:
    flags = {"lstrip": False, "normalized": False, "rstrip": False, "single_word": False}
    return {"content": content, **flags, "special": special}


def _write_json(path: Path, document: object) -> None:
    path.write_text(json.dumps(document, ensure_ascii=False) + "\n", encoding="utf-8")


def _tokenizer_config() -> dict[str, object]:
    special = special_tokens()
    stamps = [f"<|{index * 0.02:.2f}|>" for index in range(TIMESTAMP_COUNT)]
    added = [_added_token(token, special=True) for token in special]
    added += [_added_token(stamp, special=False) for stamp in stamps]
    numbered = {str(END_OF_TEXT_ID + index): token for index, token in enumerate(added)}
    return {
        "add_bos_token": False,
        "add_prefix_space": False,
        "added_tokens_decoder": numbered,
        "additional_special_tokens": special,
        "bos_token": "<|endoftext|>",
        "clean_up_tokenization_spaces": True,
        "eos_token": "<|endoftext|>",
        "errors": "replace",
        "model_max_length": 1024,
        "pad_token": "<|endoftext|>",
        "processor_class": "WhisperProcessor",
        "return_attention_mask": False,
        "tokenizer_class": "WhisperTokenizer",
        "unk_token": "<|endoftext|>",
    }


def write_whisper_tokenizer(folder: Path) -> None:
    """vocab.json, merges.txt, tokenizer.json and their companions, as in openai/whisper-base."""
    vocabulary, merges = make_vocabulary()
    _write_json(folder / "vocab.json", vocabulary)
    lines = ["#version: 0.2", *(f"{first} {second}" for first, second in merges)]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    special = special_tokens()
    numbered = {token: END_OF_TEXT_ID + index for index, token in enumerate(special)}
    _write_json(folder / "added_tokens.json", numbered)
    _write_json(folder / "normalizer.json", {"accessorise": "accessorize", "colour": "color"})
    names = ("bos_token", "eos_token", "pad_token", "unk_token")
    ends = dict.fromkeys(names, "<|endoftext|>")
    _write_json(
        folder / "special_tokens_map.json", {"additional_special_tokens": special[1:], **ends}
    )
    config = _tokenizer_config()
    _write_json(folder / "tokenizer_config.json", config)
    tokenizer = WhisperTokenizer.from_pretrained(folder)
    tokenizer.backend_tokenizer.save(str(folder / "tokenizer.json"))
