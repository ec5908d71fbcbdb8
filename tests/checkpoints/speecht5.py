"""Small SpeechT5 checkpoints and their vocoder, in the layouts of the public repositories.

The architecture is the published one with small widths; the weights are random but shaped, for
a merely random SpeechT5 speaks 512 samples of silence, which would prove nothing: the decoder
hears where it is in time and stops after about a second, and the vocoder is loud.
"""

import json
from enum import StrEnum
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import nn
from transformers import (
    SpeechT5Config,
    SpeechT5ForTextToSpeech,
    SpeechT5HifiGan,
    SpeechT5HifiGanConfig,
)

from tests.checkpoints.speecht5_tokenizer import write_speecht5_tokenizer

HIDDEN_SIZE = 48
STOP_CHANNEL = 0  # The hidden channel that rises with time and that the stop token reads.
CLOCK_CHANNEL = 24  # sin(0.01 t) of the positional encoding: rises for the first 157 steps.


class WeightLayout(StrEnum):
    """How a repository holds its weights."""

    SAFETENSORS = "safetensors"
    PICKLE_ONLY = "pickle_only"  # As microsoft/speecht5_tts and microsoft/speecht5_hifigan.


def _spread_weights(module: nn.Module) -> None:
    """Linear weights at unit gain, so that text, voice and dropout all reach the output."""
    for name, parameter in module.named_parameters():
        if parameter.dim() == 2 and "embed" not in name:
            parameter.normal_(0.0, parameter.shape[1] ** -0.5)


def _teach_to_stop(model: Any) -> None:
    """Makes the stop token's logit rise with time and cross its threshold after 20 to 70 steps."""
    prenet = model.speecht5.decoder.prenet
    prenet.final_layer.weight[CLOCK_CHANNEL] = 0.0
    prenet.final_layer.bias[CLOCK_CHANNEL] = 0.0
    prenet.speaker_embeds_layer.weight[:, CLOCK_CHANNEL] = 0.0
    prenet.speaker_embeds_layer.weight[STOP_CHANNEL] = 0.0
    prenet.speaker_embeds_layer.weight[STOP_CHANNEL, CLOCK_CHANNEL] = 3.0
    prenet.speaker_embeds_layer.bias[STOP_CHANNEL] = 0.0
    for layer in model.speecht5.decoder.wrapped_decoder.layers:
        writers = (layer.self_attn.out_proj, layer.encoder_attn.out_proj)
        for writer in (*writers, layer.feed_forward.output_dense):
            writer.weight[STOP_CHANNEL] = 0.0
            writer.bias[STOP_CHANNEL] = 0.0
    postnet = model.speech_decoder_postnet
    postnet.prob_out.weight.zero_()
    postnet.prob_out.weight[:, STOP_CHANNEL] = 16.0
    postnet.prob_out.bias.fill_(-20.0)
    postnet.feat_out.weight.mul_(2.0)


def make_speecht5(seed: int = 0) -> Any:
    """A SpeechT5 of 0.2 M parameters that speaks for about a second per sentence."""
    config = SpeechT5Config(
        hidden_size=HIDDEN_SIZE,
        encoder_layers=2,
        encoder_attention_heads=2,
        encoder_ffn_dim=64,
        decoder_layers=2,
        decoder_attention_heads=2,
        decoder_ffn_dim=64,
        speech_decoder_prenet_units=32,
        speech_decoder_postnet_units=32,
        max_speech_positions=1876,
        max_text_positions=600,
    )
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(seed)
        model: Any = SpeechT5ForTextToSpeech(config)
        model.eval()
        _spread_weights(model)
        _teach_to_stop(model)
    return model


def make_hifigan(seed: int = 0) -> Any:
    """A vocoder with the published rates (256 samples a frame, 16 kHz) and audible output."""
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(seed)
        vocoder: Any = SpeechT5HifiGan(SpeechT5HifiGanConfig(upsample_initial_channel=32))
        vocoder.eval()
        for name, parameter in vocoder.named_parameters():
            if parameter.dim() == 3:
                upsampling = name.startswith("upsampler")
                inputs = parameter.shape[0] / 4 if upsampling else parameter.shape[1]
                parameter.normal_(0.0, (1.2 / (inputs * parameter.shape[2])) ** 0.5)
        vocoder.conv_post.weight.mul_(0.25)
    return vocoder


def _published_state(model: nn.Module) -> dict[str, torch.Tensor]:
    """The state dict as the public .bin has it: with the position tables, then persistent."""
    state = dict(model.state_dict())
    state |= {name: table for name, table in model.named_buffers() if name.endswith(".pe")}
    return {name: tensor.clone() for name, tensor in state.items()}


def _write_weights(model: nn.Module, folder: Path, layout: WeightLayout) -> None:
    if layout is WeightLayout.SAFETENSORS:
        save_file(_published_state(model), folder / "model.safetensors", {"format": "pt"})
    else:
        torch.save(_published_state(model), folder / "pytorch_model.bin")


def _write_config(model: Any, folder: Path, architecture: str) -> None:
    config = model.config.to_dict()
    config |= {"architectures": [architecture], "torch_dtype": "float32"}
    config.pop("dtype", None)
    text = json.dumps(config, indent=2, sort_keys=True)
    (folder / "config.json").write_text(text + "\n", encoding="utf-8")


def write_speecht5(folder: Path, layout: WeightLayout, seed: int = 0) -> None:
    """A repository like microsoft/speecht5_tts."""
    folder.mkdir(parents=True, exist_ok=True)
    model = make_speecht5(seed)
    _write_weights(model, folder, layout)
    _write_config(model, folder, "SpeechT5ForTextToSpeech")
    generation = {
        "_from_model_config": True,
        "bos_token_id": 0,
        "decoder_start_token_id": 2,
        "eos_token_id": 2,
        "max_length": 1876,
        "pad_token_id": 1,
        "transformers_version": "4.27.0.dev0",
    }
    text = json.dumps(generation, indent=2)
    (folder / "generation_config.json").write_text(text + "\n", encoding="utf-8")
    write_speecht5_tokenizer(folder)


def write_hifigan(
    folder: Path, layout: WeightLayout = WeightLayout.PICKLE_ONLY, seed: int = 0
) -> None:
    """A repository like microsoft/speecht5_hifigan: config.json and pytorch_model.bin."""
    folder.mkdir(parents=True, exist_ok=True)
    vocoder = make_hifigan(seed)
    _write_weights(vocoder, folder, layout)
    _write_config(vocoder, folder, "SpeechT5HifiGan")
