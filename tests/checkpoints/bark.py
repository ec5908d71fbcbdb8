"""Small Bark checkpoints in the layout of suno/bark and suno/bark-small.

The weights are random but shaped: the first stage hears where it is in time and ends after about
a second, and EnCodec's codebooks, empty in a new model, are filled.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import BarkConfig, BarkModel, EncodecConfig
from transformers.models.bark.configuration_bark import (
    BarkCoarseConfig,
    BarkFineConfig,
    BarkSemanticConfig,
)

from tests.checkpoints.encodec import fill, published_state
from tests.checkpoints.text_tokenizers import write_json, write_wordpiece

SEMANTIC_TOKENS = 100
CODES = 32
CODEBOOKS = 8
TEXT_OFFSET = 110
TEXT_LENGTH = 128
STOP_CHANNEL = 0
STOPS_BETWEEN = (40, 80)  # Semantic tokens: about a second.
PRESETS = (
    "announcer",
    "de_speaker_0",
    "en_speaker_0",
    "v2/de_speaker_3",
    "v2/en_speaker_0",
    "v2/en_speaker_6",
)
# As published, but for the sizes.
GENERATION: dict[str, Any] = {
    "semantic_config": {
        "do_sample": True,
        "eos_token_id": SEMANTIC_TOKENS,
        "max_input_semantic_length": TEXT_LENGTH,
        "max_new_tokens": 120,
        "semantic_infer_token": 1199,
        "semantic_pad_token": SEMANTIC_TOKENS,
        "semantic_rate_hz": 49.9,
        "semantic_vocab_size": SEMANTIC_TOKENS,
        "temperature": 0.7,
        "text_encoding_offset": TEXT_OFFSET,
        "text_pad_token": 1195,
        "top_k": 50,
    },
    "coarse_acoustics_config": {
        "coarse_infer_token": 171,
        "coarse_rate_hz": 75,
        "coarse_semantic_pad_token": 170,
        "do_sample": True,
        "max_coarse_history": 60,
        "max_coarse_input_length": 48,
        "n_coarse_codebooks": 2,
        "sliding_window_len": 20,
        "temperature": 0.7,
        "top_k": 50,
    },
    "fine_acoustics_config": {
        "max_fine_history_length": 64,
        "max_fine_input_length": 128,
        "n_fine_codebooks": CODEBOOKS,
        "temperature": 0.5,
    },
    "codebook_size": CODES,
    "model_type": "bark",
    "sample_rate": 24000,
}


def _config() -> BarkConfig:
    shape: dict[str, Any] = {
        "block_size": 256,
        "hidden_size": 32,
        "num_layers": 2,
        "num_heads": 2,
        "bias": False,
    }
    codec = EncodecConfig(
        codebook_size=CODES, codebook_dim=16, hidden_size=16, num_filters=4, num_lstm_layers=1
    )
    return BarkConfig(
        semantic_config=BarkSemanticConfig(input_vocab_size=1200, output_vocab_size=110, **shape),
        coarse_acoustics_config=BarkCoarseConfig(
            input_vocab_size=180, output_vocab_size=180, **shape
        ),
        fine_acoustics_config=BarkFineConfig(
            input_vocab_size=CODES + 8,
            output_vocab_size=CODES + 8,
            n_codes_total=CODEBOOKS,
            n_codes_given=1,
            **shape,
        ),
        codec_config=codec,
    )


def make_bark(seed: int = 0) -> Any:
    """A Bark of 0.2 M parameters that speaks for about a second per sentence."""
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(seed)
        model: Any = BarkModel(_config())  # type: ignore[no-untyped-call]
        model.eval()
        for stage in (model.semantic, model.coarse_acoustics, model.fine_acoustics):
            for name, parameter in stage.named_parameters():
                if parameter.dim() == 2:
                    width = 1.0 if "embed" in name else parameter.shape[1] ** -0.5
                    parameter.normal_(0.0, width)
        _teach_to_stop(model.semantic)
        fill(model.codec_model)
    return model


def _teach_to_stop(semantic: Any) -> None:
    """One channel counts the positions, and the head reads the end's logit from it alone."""
    first, last = (TEXT_LENGTH + place for place in STOPS_BETWEEN)
    places = torch.arange(semantic.config.block_size)
    clock = ((places - first) / (last - first) * 2 - 1).clamp(-1, 1) * 6
    semantic.position_embeds_layer.weight[:, STOP_CHANNEL] = clock
    semantic.input_embeds_layer.weight[:, STOP_CHANNEL] = 0
    for layer in semantic.layers:
        layer.attn.out_proj.weight[STOP_CHANNEL] = 0
        layer.mlp.out_proj.weight[STOP_CHANNEL] = 0
    semantic.lm_head.weight[:, STOP_CHANNEL] = 0
    semantic.lm_head.weight[SEMANTIC_TOKENS] = 0
    semantic.lm_head.weight[SEMANTIC_TOKENS, STOP_CHANNEL] = 4.0


def _write_presets(folder: Path) -> None:
    paths: dict[str, Any] = {"repo_or_path": "suno/bark-small"}
    for seed, name in enumerate(PRESETS):
        numbers = np.random.default_rng(seed)
        prompts = {
            "semantic_prompt": numbers.integers(0, SEMANTIC_TOKENS, 50),
            "coarse_prompt": numbers.integers(0, CODES, (2, 75)),
            "fine_prompt": numbers.integers(0, CODES, (CODEBOOKS, 75)),
        }
        paths[name] = {}
        for prompt, array in prompts.items():
            path = f"speaker_embeddings/{name}_{prompt}.npy"
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            np.save(folder / path, array)
            paths[name][prompt] = path
    (folder / "speaker_embeddings_path.json").write_text(json.dumps(paths), encoding="utf-8")


def write_bark(folder: Path, seed: int = 0) -> None:
    """A repository like suno/bark-small: a .bin alone, the presets as .npy."""
    write_wordpiece(folder, lower=False, kind="BertTokenizer", max_tokens=TEXT_LENGTH)
    write_json(folder / "special_tokens_map.json", {"pad_token": "[PAD]", "unk_token": "[UNK]"})
    model = make_bark(seed)
    config = model.config.to_dict() | {"architectures": ["BarkModel"], "torch_dtype": "float32"}
    config.pop("dtype", None)
    write_json(folder / "config.json", config)
    write_json(folder / "generation_config.json", GENERATION)
    torch.save(published_state(model), folder / "pytorch_model.bin")
    _write_presets(folder)
