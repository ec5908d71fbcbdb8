"""Small encoders with heads, in the layouts of the public repositories.

Random weights, drawn wide, so that different texts have clearly different answers.
"""

from pathlib import Path
from typing import Any

import torch
from transformers import (
    BartConfig,
    BartForSequenceClassification,
    BertConfig,
    BertForMaskedLM,
    BertForTokenClassification,
    DistilBertConfig,
    DistilBertForSequenceClassification,
    RobertaConfig,
    RobertaForMaskedLM,
    RobertaForQuestionAnswering,
)

from tests.checkpoints.text_tokenizers import MAX_TOKENS, write_byte_bpe, write_wordpiece

ENTITY_LABELS = ("O", "B-MISC", "I-MISC", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC")
NLI_LABELS = ("contradiction", "neutral", "entailment")
SENTIMENT_LABELS = ("NEGATIVE", "POSITIVE")


def draw(kind: Any, config: Any, *, seed: int = 0) -> Any:
    """A model whose weights follow from the seed alone."""
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(seed)
        model = kind(config)
        model.eval()
        for name, parameter in model.named_parameters():
            if parameter.dim() >= 2:
                scale = 1.0 if "embed" in name else parameter[0].numel() ** -0.5
                parameter.normal_(0.0, scale)
    return model


def _labels(names: tuple[str, ...]) -> dict[str, Any]:
    return {
        "id2label": dict(enumerate(names)),
        "label2id": {name: number for number, name in enumerate(names)},
    }


def _distilbert(vocabulary: int, **more: Any) -> DistilBertConfig:
    return DistilBertConfig(
        vocab_size=vocabulary,
        max_position_embeddings=MAX_TOKENS,
        dim=32,
        n_layers=2,
        n_heads=4,
        hidden_dim=64,
        **more,
    )


def _bert(vocabulary: int, **more: Any) -> BertConfig:
    return BertConfig(
        vocab_size=vocabulary,
        max_position_embeddings=MAX_TOKENS,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        **more,
    )


def write_sentiment(folder: Path) -> None:
    """As distilbert/distilbert-base-uncased-finetuned-sst-2-english."""
    size = write_wordpiece(folder, lower=True, kind="DistilBertTokenizer")
    config = _distilbert(size, **_labels(SENTIMENT_LABELS))
    draw(DistilBertForSequenceClassification, config).save_pretrained(folder)


def write_ner(folder: Path) -> None:
    """As dslim/bert-base-NER."""
    size = write_wordpiece(folder, lower=False, kind="BertTokenizer")
    draw(BertForTokenClassification, _bert(size, **_labels(ENTITY_LABELS))).save_pretrained(folder)


def _roberta(vocabulary: int) -> RobertaConfig:
    return RobertaConfig(
        vocab_size=vocabulary,
        max_position_embeddings=MAX_TOKENS + 2,
        type_vocab_size=1,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=2,
    )


def write_squad(folder: Path) -> None:
    """As deepset/roberta-base-squad2."""
    size = write_byte_bpe(folder, kind="RobertaTokenizer")
    draw(RobertaForQuestionAnswering, _roberta(size)).save_pretrained(folder)


def write_bert(folder: Path) -> None:
    """As google-bert/bert-base-uncased."""
    size = write_wordpiece(folder, lower=True, kind="BertTokenizer")
    draw(BertForMaskedLM, _bert(size)).save_pretrained(folder)


def write_roberta(folder: Path) -> None:
    """As distilbert/distilroberta-base; a pickle of the weights stands beside the safetensors."""
    size = write_byte_bpe(folder, kind="RobertaTokenizer")
    model = draw(RobertaForMaskedLM, _roberta(size))
    model.save_pretrained(folder)
    torch.save(model.state_dict(), folder / "pytorch_model.bin")


def bart_config(vocabulary: int, **more: Any) -> BartConfig:
    return BartConfig(
        vocab_size=vocabulary,
        max_position_embeddings=MAX_TOKENS,
        d_model=32,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=2,
        decoder_start_token_id=2,
        forced_eos_token_id=2,
        **more,
    )


def write_mnli(folder: Path) -> None:
    """As facebook/bart-large-mnli."""
    size = write_byte_bpe(folder, kind="BartTokenizer")
    config = bart_config(size, **_labels(NLI_LABELS))
    draw(BartForSequenceClassification, config).save_pretrained(folder)
