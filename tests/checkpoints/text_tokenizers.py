"""Tokenizers of the public text models' kinds, with small vocabularies, in their file formats."""

import json
import string
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers, trainers
from transformers import BertTokenizer, RobertaTokenizer

from tests.checkpoints.corpus import SENTENCES, WORDS

MAX_TOKENS = 64
ROBERTA_SPECIALS = ("<s>", "<pad>", "</s>", "<unk>")


def write_json(path: Path, document: object) -> None:
    path.write_text(json.dumps(document, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def write_wordpiece(folder: Path, *, lower: bool, kind: str, max_tokens: int = MAX_TOKENS) -> int:
    """BERT's files: vocab.txt, tokenizer.json, tokenizer_config.json; the vocabulary's size."""
    folder.mkdir(parents=True, exist_ok=True)
    letters = string.ascii_lowercase + string.digits + "äöüßàé"
    if not lower:
        letters += string.ascii_uppercase
    words = WORDS if lower else (*WORDS, *(word.capitalize() for word in WORDS))
    tokens = ["[PAD]", *(f"[unused{n}]" for n in range(99)), "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokens += [*string.punctuation, *letters, *(f"##{letter}" for letter in letters)]
    tokens += ["##ing", "##ed", "##er", "##ly", "##s" * 2]
    vocabulary = list(dict.fromkeys([*tokens, *words]))
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
    tokenizer = BertTokenizer(vocab=str(folder / "vocab.txt"), do_lower_case=lower)
    tokenizer.backend_tokenizer.save(str(folder / "tokenizer.json"))
    config = {
        "cls_token": "[CLS]",
        "do_lower_case": lower,
        "mask_token": "[MASK]",
        "model_max_length": max_tokens,
        "pad_token": "[PAD]",
        "sep_token": "[SEP]",
        "tokenizer_class": kind,
        "unk_token": "[UNK]",
    }
    write_json(folder / "tokenizer_config.json", config)
    return len(vocabulary)


def write_byte_bpe(folder: Path, *, kind: str, max_tokens: int = MAX_TOKENS) -> int:
    """RoBERTa's and BART's files: vocab.json, merges.txt, tokenizer.json and the config."""
    folder.mkdir(parents=True, exist_ok=True)
    learned = Tokenizer(models.BPE())
    learned.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=600,
        show_progress=False,
        special_tokens=list(ROBERTA_SPECIALS),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
    )
    learned.train_from_iterator(SENTENCES, trainer)
    model: dict[str, Any] = json.loads(learned.to_str())["model"]
    vocabulary: dict[str, int] = model["vocab"]
    vocabulary["<mask>"] = len(vocabulary)
    merges = [pair if isinstance(pair, str) else " ".join(pair) for pair in model["merges"]]
    write_json(folder / "vocab.json", vocabulary)
    text = "\n".join(["#version: 0.2", *merges]) + "\n"
    (folder / "merges.txt").write_text(text, encoding="utf-8")
    make: Any = RobertaTokenizer
    tokenizer = make(
        vocab=str(folder / "vocab.json"),
        merges=str(folder / "merges.txt"),
        mask_token=AddedToken("<mask>", lstrip=True, normalized=False),
    )
    tokenizer.backend_tokenizer.save(str(folder / "tokenizer.json"))
    config = {"model_max_length": max_tokens, "tokenizer_class": kind, "trim_offsets": True}
    write_json(folder / "tokenizer_config.json", config)
    names = {"bos": "<s>", "cls": "<s>", "eos": "</s>", "sep": "</s>", "pad": "<pad>"}
    specials: dict[str, object] = {f"{name}_token": token for name, token in names.items()}
    mask = {"content": "<mask>", "lstrip": True, "normalized": False}
    specials |= {
        "unk_token": "<unk>",
        "mask_token": {**mask, "rstrip": False, "single_word": False},
    }
    write_json(folder / "special_tokens_map.json", specials)
    return len(vocabulary)
