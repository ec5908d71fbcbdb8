"""Tacotron2's weights as SpeechBrain and NVIDIA publish them, under torchaudio's names."""

from pathlib import Path
from typing import Any

import torch

from audio_svc.speech.tacotron2_model import Tacotron2, Tacotron2Shape
from fleetserve.errors import ConflictError

# Their makers wrap each layer in one of their own.
WRAPPERS = (".conv.", ".linear_layer.")
PREFIX = "module."  # Left by training on several devices.
COUNTER = "num_batches_tracked"

State = dict[str, torch.Tensor]


def load_state(path: Path) -> State:
    """The tensors of a checkpoint, unwrapped; nothing else is unpickled.

    Raises: ConflictError: it holds something else.
    """
    try:
        told: Any = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as exc:  # noqa: BLE001 - whatever a broken file raises.
        raise _broken(path, f"{type(exc).__name__}: {str(exc)[:200]}") from None
    for wrapper in ("state_dict", "generator"):
        told = told.get(wrapper, told) if isinstance(told, dict) else told
    if not isinstance(told, dict) or not all(isinstance(v, torch.Tensor) for v in told.values()):
        raise _broken(path, "it is no table of tensors")
    return {name.removeprefix(PREFIX): tensor.float() for name, tensor in told.items()}


def load_tacotron2(path: Path) -> Tacotron2:
    """In eval mode. Raises: ConflictError: the file is no Tacotron2's."""
    state = {}
    for name, tensor in load_state(path).items():
        if not name.endswith(COUNTER):
            state[_strip(name)] = tensor
    try:
        model = Tacotron2(_shape_of(state))
        found = model.load_state_dict(state, strict=False)
    except (KeyError, RuntimeError) as exc:
        raise _broken(path, str(exc)[:200]) from None
    missing = [name for name in found.missing_keys if not name.endswith(COUNTER)]
    if missing or found.unexpected_keys:
        raise _broken(path, f"{(missing or found.unexpected_keys)[0]} is not as in a Tacotron2")
    return model.eval()


def _strip(name: str) -> str:
    for wrapper in WRAPPERS:
        name = name.replace(wrapper, ".")
    return name


def _shape_of(state: State) -> Tacotron2Shape:
    def size(name: str, dimension: int) -> int:
        return state[f"{name}.weight"].shape[dimension]

    def count(part: str) -> int:
        return sum(f"{part}.{layer}.0.weight" in state for layer in range(len(state)))

    return Tacotron2Shape(
        symbols=size("embedding", 0),
        symbol_size=size("embedding", 1),
        mel_bins=size("decoder.linear_projection", 0),
        encoder_size=size("encoder.convolutions.0.0", 0),
        encoder_layers=count("encoder.convolutions"),
        encoder_kernel=size("encoder.convolutions.0.0", 2),
        prenet_size=size("decoder.prenet.layers.0", 0),
        attention_rnn=size("decoder.attention_layer.query_layer", 1),
        attention_size=size("decoder.attention_layer.query_layer", 0),
        location_filters=size("decoder.attention_layer.location_layer.location_conv", 0),
        location_kernel=size("decoder.attention_layer.location_layer.location_conv", 2),
        decoder_rnn=state["decoder.decoder_rnn.weight_hh"].shape[1],
        postnet_size=size("postnet.convolutions.0.0", 0),
        postnet_layers=count("postnet.convolutions"),
        postnet_kernel=size("postnet.convolutions.0.0", 2),
    )


def _broken(path: Path, why: str) -> ConflictError:
    return ConflictError(
        f"{path.name} can't be read as a checkpoint of this family ({why}); download it again.",
        code="model_files_broken",
    )
