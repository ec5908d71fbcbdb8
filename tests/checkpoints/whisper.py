"""A small multilingual Whisper in the layout of openai/whisper-base.

Random weights, shaped in three ways: what the encoder hears decides the words, a channel that
follows the position ends the text after about a dozen tokens, and a constant channel keeps
bytes, special tokens and spontaneous timestamps out of it. It is as sure of its words as a
trained one and seldom repeats them, so that no text is tried again as nonsense. The token of "no
timestamps" and that of 0.00 s look alike to the decoder, so the text is the same with and without
timestamps.
"""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from transformers import GenerationConfig, WhisperConfig, WhisperForConditionalGeneration
from transformers.models.whisper.configuration_whisper import NON_SPEECH_TOKENS_MULTI

from tests.checkpoints.whisper_tokenizer import (
    END_OF_TEXT_ID,
    LANGUAGE_CODES,
    NO_TIMESTAMPS_ID,
    SPACE,
    START_OF_TRANSCRIPT_ID,
    TEXT_VOCABULARY_SIZE,
    VOCABULARY_SIZE,
    make_vocabulary,
    write_whisper_tokenizer,
)

WIDTH = 32
BIAS_CHANNEL = 0  # Always BIAS_GAIN at the output: a token's embedding there is its logit's bias.
CLOCK_CHANNEL = 1  # Follows the position; only the end of text reads it.
BIAS_GAIN = 120.0
EXPECTED_TOKENS = 14


def make_config(width: int = WIDTH, layers: int = 2, heads: int = 2) -> WhisperConfig:
    """Published names, positions and ids; small widths, unless others are asked for."""
    inner = 64 if width == WIDTH else 4 * width
    return WhisperConfig(
        vocab_size=VOCABULARY_SIZE,
        d_model=width,
        encoder_layers=layers,
        decoder_layers=layers,
        encoder_attention_heads=heads,
        decoder_attention_heads=heads,
        encoder_ffn_dim=inner,
        decoder_ffn_dim=inner,
        num_mel_bins=80,
        max_source_positions=1500,
        max_target_positions=448,
        bos_token_id=END_OF_TEXT_ID,
        eos_token_id=END_OF_TEXT_ID,
        pad_token_id=END_OF_TEXT_ID,
        decoder_start_token_id=START_OF_TRANSCRIPT_ID,
    )


def generation_settings() -> dict[str, object]:
    """generation_config.json of the public repo, with alignment heads that exist here."""
    languages = {f"<|{code}|>": 50259 + index for index, code in enumerate(LANGUAGE_CODES)}
    return {
        "alignment_heads": [[1, 0], [1, 1]],
        "begin_suppress_tokens": [220, END_OF_TEXT_ID],
        "bos_token_id": END_OF_TEXT_ID,
        "decoder_start_token_id": START_OF_TRANSCRIPT_ID,
        "eos_token_id": END_OF_TEXT_ID,
        "forced_decoder_ids": [[1, None], [2, 50359]],
        "is_multilingual": True,
        "lang_to_id": languages,
        "max_initial_timestamp_index": 50,
        "max_length": 448,
        "no_timestamps_token_id": NO_TIMESTAMPS_ID,
        "pad_token_id": END_OF_TEXT_ID,
        "prev_sot_token_id": 50361,
        "return_timestamps": False,
        "suppress_tokens": NON_SPEECH_TOKENS_MULTI,
        "task_to_id": {"transcribe": 50359, "translate": 50358},
    }


def _shape_embeddings(model: Any) -> None:
    """Words are likely, everything else is not, and the end comes with time."""
    table = model.model.decoder.embed_tokens.weight
    # So that logits are as large at every width.
    table.normal_(0.0, 0.2 * (WIDTH / table.shape[1]) ** 0.5)
    table[START_OF_TRANSCRIPT_ID : NO_TIMESTAMPS_ID + 1] *= 3.0  # Language and task matter.
    table[:, CLOCK_CHANNEL] = 0.0
    table[:, BIAS_CHANNEL] = -1.0
    vocabulary, _merges = make_vocabulary()
    words = [index for token, index in vocabulary.items() if token.startswith(SPACE) and token[1:]]
    table[words, BIAS_CHANNEL] = 0.0
    table[END_OF_TEXT_ID, BIAS_CHANNEL] = 0.0
    table[END_OF_TEXT_ID, CLOCK_CHANNEL] = 5.0
    table[NO_TIMESTAMPS_ID + 1 :] = table[NO_TIMESTAMPS_ID]
    later = torch.arange(VOCABULARY_SIZE - NO_TIMESTAMPS_ID - 1)
    table[NO_TIMESTAMPS_ID + 1 :, BIAS_CHANNEL] -= 1e-4 * later
    assert len(words) < TEXT_VOCABULARY_SIZE


def _shape_decoder(model: Any, tokens: int) -> None:
    decoder = model.model.decoder
    positions = decoder.embed_positions.weight
    positions.normal_(0.0, 1.5)
    positions[:, BIAS_CHANNEL] = 0.0
    positions[:, CLOCK_CHANNEL] = (torch.arange(len(positions)) - tokens) / 4
    for layer in decoder.layers:
        layer.encoder_attn.q_proj.weight.mul_(4.0)
        layer.encoder_attn.v_proj.weight.mul_(2.0)
        for writer in (layer.self_attn.out_proj, layer.encoder_attn.out_proj, layer.fc2):
            writer.weight[[BIAS_CHANNEL, CLOCK_CHANNEL]] = 0.0
            writer.bias[[BIAS_CHANNEL, CLOCK_CHANNEL]] = 0.0
    decoder.layer_norm.weight.fill_(10.0)
    decoder.layer_norm.weight[BIAS_CHANNEL] = 0.0
    decoder.layer_norm.bias[BIAS_CHANNEL] = BIAS_GAIN


def make_whisper(
    seed: int = 0, config: WhisperConfig | None = None, tokens: int = EXPECTED_TOKENS
) -> Any:
    """By default of 1.8 M parameters, nearly all of them the published vocabulary's table.

    tokens: About so many are said of each window.
    """
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(seed)
        model: Any = WhisperForConditionalGeneration(config or make_config())
        model.eval()
        for name, parameter in model.named_parameters():
            if parameter.dim() >= 2 and "embed" not in name:
                parameter.normal_(0.0, parameter[0].numel() ** -0.5)
        model.model.encoder.embed_positions.weight.mul_(0.1)
        _shape_embeddings(model)
        _shape_decoder(model, tokens)
    settings: Any = GenerationConfig(**generation_settings())  # type: ignore[no-untyped-call]
    settings._from_model_config = False  # Else the language ids are lost on reload.
    model.generation_config = settings
    return model


def _write_json(path: Path, document: object) -> None:
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def write_whisper(
    folder: Path,
    seed: int = 0,
    config: WhisperConfig | None = None,
    tokens: int = EXPECTED_TOKENS,
) -> None:
    """A repository like openai/whisper-base, with both kinds of weights."""
    folder.mkdir(parents=True, exist_ok=True)
    model = make_whisper(seed, config, tokens)
    state = {name: tensor.clone() for name, tensor in model.model.state_dict().items()}
    state = {f"model.{name}": tensor for name, tensor in state.items()}
    save_file(state, folder / "model.safetensors", {"format": "pt"})
    torch.save(state, folder / "pytorch_model.bin")
    described = model.config.to_dict() | {"architectures": ["WhisperForConditionalGeneration"]}
    described.pop("dtype", None)
    _write_json(folder / "config.json", described | {"torch_dtype": "float32"})
    _write_json(folder / "generation_config.json", generation_settings())
    feature_extractor = {
        "chunk_length": 30,
        "feature_extractor_type": "WhisperFeatureExtractor",
        "feature_size": 80,
        "hop_length": 160,
        "n_fft": 400,
        "n_samples": 480000,
        "nb_max_frames": 3000,
        "padding_side": "right",
        "padding_value": 0.0,
        "processor_class": "WhisperProcessor",
        "return_attention_mask": False,
        "sampling_rate": 16000,
    }
    _write_json(folder / "preprocessor_config.json", feature_extractor)
    write_whisper_tokenizer(folder)
