"""A small EnCodec in the layout of facebook/encodec_24khz."""

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import nn
from transformers import EncodecConfig, EncodecModel

from tests.checkpoints.old_names import old_name
from tests.checkpoints.text_tokenizers import write_json

CODES = 32
PREPROCESSOR = {
    "chunk_length_s": None,
    "feature_extractor_type": "EncodecFeatureExtractor",
    "feature_size": 1,
    "overlap": None,
    "padding_side": "right",
    "padding_value": 0.0,
    "return_attention_mask": True,
    "sampling_rate": 24000,
}


def make_encodec(seed: int = 0) -> Any:
    """Of 24 kHz and 75 frames a second, like the published one; its codebooks are filled."""
    config = EncodecConfig(
        codebook_size=CODES, codebook_dim=16, hidden_size=16, num_filters=4, num_lstm_layers=1
    )
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(seed)
        model: Any = EncodecModel(config)
        fill(model)
        _wake_up(model.encoder)
    return model.eval()


def _wake_up(encoder: Any) -> None:
    """Else every sound lies near the origin, and has the codes that lie nearest to it."""
    for name, parameter in encoder.named_parameters():
        if name.endswith("bias"):
            parameter.zero_()
    spread = encoder(0.2 * torch.randn(1, 1, 24000)).std()
    encoder.layers[-1].conv.parametrizations.weight.original0.mul_(10.0 / spread)


def fill(model: Any) -> None:
    """Codebooks, which are empty in a new model, and a decoder whose biases don't drown them."""
    for layer in model.quantizer.layers:
        layer.codebook.embed.normal_(0.0, 10.0)
    for name, parameter in model.decoder.named_parameters():
        if name.endswith("bias"):
            parameter.zero_()  # Else every sound has the same, and hardly more than that.


def published_state(model: nn.Module) -> dict[str, torch.Tensor]:
    """Convolutions with weight_g and weight_v."""
    return {old_name(name): tensor.clone() for name, tensor in model.state_dict().items()}


def write_encodec(folder: Path, seed: int = 0) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    model = make_encodec(seed)
    config = model.config.to_dict() | {"architectures": ["EncodecModel"], "torch_dtype": "float32"}
    config.pop("dtype", None)
    write_json(folder / "config.json", config)
    write_json(folder / "preprocessor_config.json", PREPROCESSOR)
    save_file(published_state(model), folder / "model.safetensors", {"format": "pt"})
