"""Trains the voice of ``tiny_tts``: python -m training.train_voice --help."""

import argparse
import json
import random
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from audio_svc.speech.tiny_net import BANDS, CENTRE_PITCH, Voice, VoiceShape
from training.batches import batches_of
from training.pace import paced
from training.speaking_data import SPEAKERS, Said, training_set

BATCH_FRAMES = 2400
PEAK_RATE = 2e-3
KEPT_EVERY = 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, help="folder for config.json and voice.safetensors")
    parser.add_argument("--utterances", type=int, default=1500)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, help="of the steps together, at most")
    parser.add_argument("--threads", type=int, default=1)
    asked = parser.parse_args()
    torch.manual_seed(asked.seed)
    torch.set_num_threads(asked.threads)
    said = list(training_set(asked.utterances, asked.seed))
    print(f"{len(said)} utterances made in {time.process_time():.0f} s of CPU", flush=True)
    names = sorted({sound.name for one in said for sound in one.sounds})
    shape = VoiceShape(len(names), len(SPEAKERS))
    voice = Voice(shape)
    for step in train(voice, said, names, asked.steps, asked.seed, asked.minutes):
        if step % KEPT_EVERY == 0:
            save(voice, shape, names, asked.out)
    save(voice, shape, names, asked.out)


def train(
    voice: Voice,
    said: list[Said],
    names: list[str],
    steps: int,
    seed: int,
    minutes: float | None = None,
) -> Iterator[int]:
    """Yields the number of each step that is done."""
    optimiser = torch.optim.AdamW(voice.parameters(), PEAK_RATE, betas=(0.9, 0.98))
    voice.train()
    means = [0.0, 0.0, 0.0]
    pace = paced(optimiser, PEAK_RATE, steps, minutes)
    batches = batches_of(said, lambda one: len(one.bands), BATCH_FRAMES, random.Random(seed))
    for step, batch in zip(pace, batches, strict=False):
        parts = _losses(voice, batch, names)
        optimiser.zero_grad()
        torch.autograd.backward(sum(parts, torch.tensor(0.0)))
        torch.nn.utils.clip_grad_norm_(voice.parameters(), 1.0)
        optimiser.step()
        means = [m + (p.item() - m) / min(step, 50) for m, p in zip(means, parts, strict=True)]
        if step % 100 == 0:
            told = " ".join(f"{mean:.3f}" for mean in means)
            print(f"step {step} {told} cpu {time.process_time():.0f} s", flush=True)
        yield step


def save(voice: Voice, shape: VoiceShape, names: list[str], folder: Path) -> None:
    """As the engine loads it; half precision."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: value.half().contiguous() for name, value in voice.state_dict().items()}
    save_file(weights, folder / "voice.safetensors")
    config = {
        "model_type": "tiny_tts",
        "languages": ["en"],
        "voices": list(SPEAKERS),
        "phonemes": names,
        "shape": asdict(shape),
    }
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")


def _losses(voice: Voice, batch: list[Said], names: list[str]) -> tuple[Tensor, Tensor, Tensor]:
    """Of the bands, the lengths, and the pitch with its voicing."""
    index = {name: place for place, name in enumerate(names)}
    phonemes = [torch.tensor([index[sound.name] for sound in one.sounds]) for one in batch]
    marks = [torch.tensor([sound.mark for sound in one.sounds]) for one in batch]
    lengths = [torch.from_numpy(one.lengths) for one in batch]
    speakers = torch.tensor([one.speaker for one in batch])
    with torch.autocast("cpu", torch.bfloat16):
        encoded, told = voice.read(_padded(phonemes), _padded(marks), voice.speaker(speakers))
        rows = [voice.spread(row[: len(n)], n) for row, n in zip(encoded, lengths, strict=True)]
        drawn = voice.decode(_padded(rows)).float()
    is_sound = _padded([torch.ones(int(n.sum())) for n in lengths])
    count = is_sound.sum()
    bands = _padded([torch.from_numpy(one.bands) for one in batch])
    pitch, voicing = (
        _padded([torch.from_numpy(value) for value in values])
        for values in zip(*((one.pitch, one.voicing) for one in batch), strict=True)
    )
    of_bands = ((drawn[..., :BANDS] - bands).abs().mean(-1) * is_sound).sum() / count
    is_phoneme = _padded([torch.ones(len(n)) for n in lengths])
    wanted = _padded([n.float() for n in lengths]).clamp(min=1).log()
    of_lengths = ((told.float() - wanted).abs() * is_phoneme).sum() / is_phoneme.sum()
    of_pitch = (drawn[..., BANDS] + CENTRE_PITCH - pitch).abs() * voicing
    of_voicing = functional.binary_cross_entropy_with_logits(
        drawn[..., BANDS + 1], voicing, reduction="none"
    )
    return of_bands, of_lengths, ((4 * of_pitch + 0.3 * of_voicing) * is_sound).sum() / count


def _padded(rows: list[Tensor]) -> Tensor:
    return pad_sequence(rows, batch_first=True)


if __name__ == "__main__":
    main()
