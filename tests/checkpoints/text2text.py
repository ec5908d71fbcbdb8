"""Small encoder-decoders in the layouts of the public repositories; random weights."""

from pathlib import Path
from typing import Any

import torch
from transformers import (
    BartForConditionalGeneration,
    MarianConfig,
    MarianMTModel,
    MBartConfig,
    MBartForConditionalGeneration,
    T5Config,
    T5ForConditionalGeneration,
)
from transformers.models.auto.tokenization_auto import AutoTokenizer

from tests.checkpoints.sentencepieces import (
    write_marian_tokenizer,
    write_mbart_tokenizer,
    write_t5_tokenizer,
)
from tests.checkpoints.text_models import bart_config, draw
from tests.checkpoints.text_tokenizers import MAX_TOKENS, write_byte_bpe, write_json

SMALL: dict[str, Any] = {
    "d_model": 32,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 64,
    "decoder_ffn_dim": 64,
    "max_position_embeddings": MAX_TOKENS,
}
SUMMARY_SETTINGS: dict[str, object] = {
    "early_stopping": True,
    "length_penalty": 2.0,
    "max_length": 24,
    "min_length": 8,
    "no_repeat_ngram_size": 3,
    "num_beams": 4,
}


def _write(folder: Path, model: Any, settings: dict[str, Any], **config: Any) -> None:
    """Weights, config.json and generation_config.json."""
    model.config.update(config)
    model.save_pretrained(folder)
    write_json(folder / "generation_config.json", settings)


def write_bart_cnn(folder: Path) -> None:
    """As facebook/bart-large-cnn: its settings stand in both of its configs."""
    size = write_byte_bpe(folder, kind="BartTokenizer")
    config = bart_config(size)
    model = draw(BartForConditionalGeneration, config)
    ids = {"bos_token_id": 0, "decoder_start_token_id": 2, "eos_token_id": 2, "pad_token_id": 1}
    settings = {**ids, "forced_bos_token_id": 0, "forced_eos_token_id": 2, **SUMMARY_SETTINGS}
    _write(folder, model, settings, task_specific_params={"summarization": SUMMARY_SETTINGS})


def _t5(vocabulary: int, **more: Any) -> T5Config:
    make: Any = T5Config
    config: T5Config = make(
        vocab_size=vocabulary,
        d_model=32,
        d_kv=8,
        d_ff=64,
        num_layers=2,
        num_heads=4,
        decoder_start_token_id=0,
        **more,
    )
    return config


T5_IDS = {"decoder_start_token_id": 0, "eos_token_id": 1, "pad_token_id": 0}


def write_t5(folder: Path) -> None:
    """As google-t5/t5-small: its config says how texts are prefixed."""
    size = write_t5_tokenizer(folder)
    config = _t5(size)
    model = draw(T5ForConditionalGeneration, config)
    pairs = {"de": "German", "fr": "French", "ro": "Romanian"}
    tasks: dict[str, object] = {
        f"translation_en_to_{code}": {
            "early_stopping": True,
            "max_length": 300,
            "num_beams": 4,
            "prefix": f"translate English to {name}: ",
        }
        for code, name in pairs.items()
    }
    tasks["summarization"] = {**SUMMARY_SETTINGS, "prefix": "summarize: "}
    _write(folder, model, dict(T5_IDS), task_specific_params=tasks)


def write_flan(folder: Path) -> None:
    """As google/flan-t5-small."""
    size = write_t5_tokenizer(folder)
    config = _t5(size, feed_forward_proj="gated-gelu", tie_word_embeddings=False)
    model = draw(T5ForConditionalGeneration, config, seed=1)
    _write(folder, model, dict(T5_IDS))


def write_marian(folder: Path, targets: tuple[str, ...] = ()) -> None:
    """As Helsinki-NLP/opus-mt-en-de, whose weights are a pickle; with targets as opus-mt-en-mul."""
    size = write_marian_tokenizer(folder, targets)
    pad = size - 1
    config = MarianConfig(
        vocab_size=size,
        pad_token_id=pad,
        eos_token_id=0,
        decoder_start_token_id=pad,
        forced_eos_token_id=0,
        **SMALL,
    )
    model = draw(MarianMTModel, config)
    ids = {"decoder_start_token_id": pad, "eos_token_id": 0, "pad_token_id": pad}
    settings = {**ids, "bad_words_ids": [[pad]], "forced_eos_token_id": 0, "max_length": 48}
    _write(folder, model, {**settings, "num_beams": 4})
    (folder / "model.safetensors").unlink()
    torch.save(model.state_dict(), folder / "pytorch_model.bin")


def write_mbart(folder: Path) -> None:
    """As facebook/mbart-large-50-many-to-many-mmt."""
    write_mbart_tokenizer(folder)
    write_json(folder / "config.json", {"model_type": "mbart"})
    tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    config = MBartConfig(
        vocab_size=len(tokenizer),
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=2,
        decoder_start_token_id=2,
        forced_eos_token_id=2,
        **SMALL,
    )
    model = draw(MBartForConditionalGeneration, config)
    ids = {"bos_token_id": 0, "decoder_start_token_id": 2, "eos_token_id": 2, "pad_token_id": 1}
    settings = {**ids, "early_stopping": True, "forced_eos_token_id": 2, "max_length": 48}
    _write(folder, model, {**settings, "num_beams": 5})
