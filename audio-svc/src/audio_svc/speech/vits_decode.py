"""VITS's forward pass in steps, with a noise of the utterance's own.

The library draws its noise from the process's generator, so that another thread's random
numbers change a seeded result, and it runs from text to sound in one go. Here a seeded
utterance draws exactly the numbers that the library would draw after
``torch.manual_seed(seed)``, and others may compute between the stages. The tests compare both.
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import torch


class Noise:
    """Normal random numbers for one utterance.

    Args:
        device: Where the model is.
        seed: Draw what the library draws after torch.manual_seed(seed); None: draw freely.
    """

    def __init__(self, device: torch.device, seed: int | None) -> None:
        self._host = torch.Generator()
        # The library draws durations on the host and the rest on the device, each seeded.
        self._own = self._host if device.type == "cpu" else torch.Generator(device)
        for generator in (self._host, self._own):
            if seed is None:
                generator.seed()
            else:
                generator.manual_seed(seed)

    def durations(self, places: torch.Tensor) -> torch.Tensor:
        """For [batch, channels, tokens] two numbers per token, drawn on the host."""
        shape = (places.shape[0], 2, places.shape[2])
        return torch.randn(shape, generator=self._host).to(places.device, places.dtype)

    def like(self, tensor: torch.Tensor) -> torch.Tensor:
        """In the order of the tensor's memory, as torch.randn_like."""
        return torch.empty_like(tensor).normal_(generator=self._own)


@dataclass(frozen=True, slots=True)
class _Prior:
    """What the text says: a distribution for each frame of sound.

    Attributes:
        means, log_deviations: float32 [1, flow size, frames].
        frames: int64 [tokens].
        whole: False: it was cut at the most frames allowed.
    """

    means: torch.Tensor
    log_deviations: torch.Tensor
    frames: torch.Tensor
    whole: bool


@dataclass(slots=True)
class Reading:
    """An utterance that needs the vocoder alone.

    Attributes:
        latents: float32 [frames, flow size].
        voice: What the vocoder takes of its voice; None: a model of one.
        frames: How many of them each token became.
        whole: False: it was cut at the most frames allowed.
        samples: float32 [samples]; None: not yet.
    """

    latents: torch.Tensor
    voice: torch.Tensor | None
    frames: list[int]
    whole: bool
    samples: torch.Tensor | None = None


def read_latents(
    model: Any, token_ids: torch.Tensor, speaker: int | None, noise: Noise, max_frames: int
) -> Generator[None, None, Reading]:
    """Yields after the text.

    Args:
        model: VitsModel in eval mode.
        token_ids: int64 [1, tokens].
        speaker: Row of the speaker table; None: a model of one voice.
        noise: The utterance's.
        max_frames: Where longer sound is cut.
    """
    with torch.inference_mode():
        voice = None
        if speaker is not None:
            row = torch.tensor([speaker], device=token_ids.device)
            voice = model.embed_speaker(row).unsqueeze(-1)
        prior = _read_text(model, token_ids, voice, noise, max_frames)
    yield
    with torch.inference_mode():
        drawn = noise.like(prior.means) * torch.exp(prior.log_deviations) * model.noise_scale
        every = prior.means.new_ones(1, 1, prior.means.shape[2])
        latents = model.flow(prior.means + drawn, every, voice, reverse=True)
        return Reading(latents[0].T, voice, prior.frames.tolist(), prior.whole)


def _read_text(
    model: Any,
    token_ids: torch.Tensor,
    voice: torch.Tensor | None,
    noise: Noise,
    max_frames: int,
) -> _Prior:
    mask = torch.ones_like(token_ids).unsqueeze(-1).to(model.dtype)
    encoded = model.text_encoder(
        input_ids=token_ids, padding_mask=mask, attention_mask=None, return_dict=True
    )
    hidden = encoded.last_hidden_state.transpose(1, 2)
    mask = mask.transpose(1, 2)
    if model.config.use_stochastic_duration_prediction:
        log_durations = _draw_durations(model, hidden, mask, voice, noise)
    else:
        log_durations = model.duration_predictor(hidden, mask, voice)
    # In this order of operations the library's durations come out in every bit.
    durations = torch.ceil(torch.exp(log_durations) * (1.0 / model.speaking_rate))[0, 0]
    ends = durations.cumsum(0).clamp(max=max_frames)
    frames = torch.diff(ends, prepend=ends.new_zeros(1)).long()
    return _Prior(
        means=encoded.prior_means.repeat_interleave(frames, dim=1).transpose(1, 2),
        log_deviations=encoded.prior_log_variances.repeat_interleave(frames, dim=1).transpose(1, 2),
        frames=frames,
        whole=bool(durations.sum() <= max_frames),
    )


def _draw_durations(
    model: Any, hidden: torch.Tensor, mask: torch.Tensor, voice: torch.Tensor | None, noise: Noise
) -> torch.Tensor:
    """The stochastic duration predictor backwards: float32 [1, 1, tokens], logarithms."""
    predictor = model.duration_predictor
    hidden = predictor.conv_pre(hidden)
    if voice is not None:
        hidden = hidden + predictor.cond(voice)
    hidden = predictor.conv_proj(predictor.conv_dds(hidden, mask)) * mask
    first, _useless, *others = predictor.flows
    latents = noise.durations(hidden) * model.noise_scale_duration
    for flow in (*reversed(others), first):
        latents = torch.flip(latents, [1])
        latents, _ = flow(latents, mask, global_conditioning=hidden, reverse=True)
    log_durations: torch.Tensor = latents[:, :1]
    return log_durations
