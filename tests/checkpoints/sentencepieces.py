"""SentencePiece models of a small vocabulary, and the tokenizer files that stand around them."""

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import sentencepiece

from tests.checkpoints.corpus import SENTENCES
from tests.checkpoints.text_tokenizers import MAX_TOKENS, write_json

VOCABULARY = 300


def train_pieces(**special: Any) -> bytes:
    """A unigram model of the corpus; the same bytes always."""
    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(SENTENCES * 3),
        model_writer=written,
        vocab_size=VOCABULARY,
        model_type="unigram",
        hard_vocab_limit=False,
        num_threads=1,
        minloglevel=2,
        **special,
    )
    return written.getvalue()


def pieces_of(model: bytes) -> list[str]:
    reader = sentencepiece.SentencePieceProcessor(model_proto=model)
    return [reader.id_to_piece(n) for n in range(reader.get_piece_size())]


def write_t5_tokenizer(folder: Path) -> int:
    """spiece.model and tokenizer_config.json of the T5 family; the size of the vocabulary."""
    folder.mkdir(parents=True, exist_ok=True)
    model = train_pieces(pad_id=0, eos_id=1, unk_id=2, bos_id=-1)
    (folder / "spiece.model").write_bytes(model)
    settings = {"extra_ids": 100, "model_max_length": MAX_TOKENS, "tokenizer_class": "T5Tokenizer"}
    write_json(folder / "tokenizer_config.json", settings)
    return len(pieces_of(model)) + 100


def write_mbart_tokenizer(folder: Path) -> None:
    """sentencepiece.bpe.model and tokenizer_config.json of mBART-50."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sentencepiece.bpe.model").write_bytes(train_pieces())
    settings = {
        "language_codes": "ML50",
        "model_max_length": MAX_TOKENS,
        "src_lang": "en_XX",
        "tgt_lang": None,
        "tokenizer_class": "MBart50Tokenizer",
    }
    write_json(folder / "tokenizer_config.json", settings)


def write_marian_tokenizer(folder: Path, targets: tuple[str, ...] = ()) -> int:
    """source.spm, target.spm and vocab.json of Helsinki-NLP's; the size of the vocabulary."""
    folder.mkdir(parents=True, exist_ok=True)
    model = train_pieces()
    for name in ("source.spm", "target.spm"):
        (folder / name).write_bytes(model)
    pieces = ["</s>", "<unk>", *(f">>{target}<<" for target in targets)]
    pieces += [piece for piece in pieces_of(model) if piece not in ("<s>", "</s>", "<unk>")]
    numbered: Mapping[str, int] = {piece: n for n, piece in enumerate([*pieces, "<pad>"])}
    text = json.dumps(numbered, ensure_ascii=False)
    (folder / "vocab.json").write_text(text, encoding="utf-8")
    settings = {
        "model_max_length": MAX_TOKENS,
        "source_lang": "en",
        "target_lang": "de",
        "tokenizer_class": "MarianTokenizer",
    }
    write_json(folder / "tokenizer_config.json", settings)
    return len(numbered)
