"""A small wav2vec2 with CTC in the layout of facebook/wav2vec2-base-960h.

Random weights, but for the output layer: it is so steep that the letters follow the sound, and
the word's end is as likely as some letters, so that there are words.
"""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from transformers import Wav2Vec2Config, Wav2Vec2ForCTC

# vocab.json of the public repository: by how common a letter is.
TOKENS = ("<pad>", "<s>", "</s>", "<unk>", "|", *"ETAONIHSRDLUMWCFGYPBVK'XJQZ")
WIDTH = 32


def make_config() -> Wav2Vec2Config:
    """The published convolutions and ids; small widths."""
    return Wav2Vec2Config(
        vocab_size=len(TOKENS),
        hidden_size=WIDTH,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        conv_dim=(WIDTH,) * 7,
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=2,
        ctc_loss_reduction="sum",
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        num_codevectors_per_group=8,
        codevector_dim=16,
        proj_codevector_dim=16,
    )


def make_wav2vec2(seed: int = 0) -> Any:
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(seed)
        model: Any = Wav2Vec2ForCTC(make_config())
        model.eval()
        for name, parameter in model.named_parameters():
            if parameter.dim() >= 2:
                fan_in = parameter[0].numel()
                parameter.normal_(0.0, (3.0 if "conv" in name else 1.5) * fan_in**-0.5)
        model.lm_head.weight.normal_(0.0, 1.0)
        model.lm_head.bias.zero_()
        model.lm_head.bias[1:4] = -100.0
        model.lm_head.bias[4] = 9.0
    return model


def _write_json(path: Path, document: object) -> None:
    path.write_text(json.dumps(document) + "\n", encoding="utf-8")


def write_wav2vec2(folder: Path, seed: int = 0) -> None:
    """A repository like facebook/wav2vec2-base-960h."""
    folder.mkdir(parents=True, exist_ok=True)
    model = make_wav2vec2(seed)
    state = {name: tensor.clone().contiguous() for name, tensor in model.state_dict().items()}
    save_file(state, folder / "model.safetensors", {"format": "pt"})
    config = model.config.to_dict() | {"architectures": ["Wav2Vec2ForCTC"]}
    config.pop("dtype", None)
    _write_json(folder / "config.json", config | {"torch_dtype": "float32"})
    _write_json(folder / "vocab.json", {token: index for index, token in enumerate(TOKENS)})
    names = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"}
    _write_json(folder / "special_tokens_map.json", names)
    _write_json(
        folder / "tokenizer_config.json",
        {
            **names,
            "do_lower_case": False,
            "return_attention_mask": False,
            "do_normalize": True,
            "word_delimiter_token": "|",
            "tokenizer_class": "Wav2Vec2CTCTokenizer",
        },
    )
    _write_json(
        folder / "preprocessor_config.json",
        {
            "do_normalize": True,
            "feature_extractor_type": "Wav2Vec2FeatureExtractor",
            "feature_size": 1,
            "padding_side": "right",
            "padding_value": 0.0,
            "return_attention_mask": False,
            "sampling_rate": 16000,
        },
    )
