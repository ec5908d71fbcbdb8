"""Small VITS checkpoints in the layouts of facebook/mms-tts-* and kakao-enterprise/vits-*.

The weights are random but shaped, so that noise and voice reach the sound. They are
named as published: wavenets with weight_g and weight_v.
"""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from transformers import VitsConfig, VitsModel

from tests.checkpoints.old_names import old_name

ENGLISH = tuple("k'zyudhesw–3cp-1jmiXflo0bra42n_xvtq56g")
KOREAN = tuple("kanyeohsgiurdmbjwtpcl")


def make_vits(vocabulary: int, speakers: int = 1, seed: int = 0, **settings: Any) -> Any:
    """A VITS of 0.3 M parameters, about 0.03 s for each letter."""
    config = VitsConfig(
        vocab_size=vocabulary,
        hidden_size=32,
        num_hidden_layers=2,
        ffn_dim=64,
        flow_size=32,
        spectrogram_bins=65,
        num_speakers=speakers,
        speaker_embedding_size=16 if speakers > 1 else 0,
        upsample_initial_channel=32,
        prior_encoder_num_flows=2,
        prior_encoder_num_wavenet_layers=2,
        posterior_encoder_num_wavenet_layers=2,
        duration_predictor_num_flows=2,
        **settings,
    )
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(seed)
        model: Any = VitsModel(config)
        model.eval()
        # A new flow's last layer is zero: it would pass its noise on unchanged.
        for name, parameter in model.named_parameters():
            if name.startswith(("flow", "duration_predictor")) and parameter.dim() == 3:
                parameter.normal_(0.0, 0.5 * (parameter.shape[1] * parameter.shape[2]) ** -0.5)
        model.decoder.conv_post.weight.mul_(0.05)
    return model


def _published_state(model: Any) -> dict[str, torch.Tensor]:
    """Wavenets with weight_g and weight_v."""
    state = model.state_dict().items()
    return {old_name(name): tensor.clone().contiguous() for name, tensor in state}


def _write_json(path: Path, document: dict[str, Any]) -> None:
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def write_vits(
    folder: Path,
    *,
    language: str = "eng",
    letters: tuple[str, ...] = ENGLISH,
    is_uroman: bool = False,
    phonemize: bool = False,
    speakers: int = 1,
    seed: int = 0,
    **settings: Any,
) -> None:
    """A repository like facebook/mms-tts-eng; ``settings`` are of its config.json."""
    folder.mkdir(parents=True, exist_ok=True)
    alphabet = list(dict.fromkeys([*letters, " "]))
    model = make_vits(len(alphabet), speakers, seed, **settings)
    config = model.config.to_dict()
    config |= {"architectures": ["VitsModel"], "torch_dtype": "float32"}
    config.pop("dtype", None)
    _write_json(folder / "config.json", config)
    state = _published_state(model)
    save_file(state, folder / "model.safetensors", {"format": "pt"})
    torch.save(state, folder / "pytorch_model.bin")
    _write_json(folder / "vocab.json", {letter: place for place, letter in enumerate(alphabet)})
    _write_json(folder / "added_tokens.json", {"<unk>": len(alphabet)})
    special = {"pad_token": alphabet[0], "unk_token": "<unk>"}
    _write_json(folder / "special_tokens_map.json", special)
    tokenizer = {
        "add_blank": True,
        "clean_up_tokenization_spaces": True,
        "is_uroman": is_uroman,
        "language": language,
        "model_max_length": 1000000000000000019884624838656,
        "normalize": True,
        "phonemize": phonemize,
        "tokenizer_class": "VitsTokenizer",
    }
    _write_json(folder / "tokenizer_config.json", tokenizer | special)


def write_mms_korean(folder: Path) -> None:
    """A repository like facebook/mms-tts-kor: Latin letters made by uroman."""
    write_vits(folder, language="kor", letters=KOREAN, is_uroman=True, seed=1)


def write_vctk(folder: Path) -> None:
    """A repository like kakao-enterprise/vits-vctk: phonemes, several voices."""
    write_vits(folder, language="en_us", phonemize=True, speakers=3, seed=2)
