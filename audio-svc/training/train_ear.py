"""Trains ``tiny_stt``: python -m training.train_ear --help."""

import argparse
import json
import random
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional

from audio_svc.transcription.tiny_net import LETTERS, LETTERS_PER_STEP, Ear, EarShape, normalise
from training.batches import batches_of
from training.hearing_data import Heard, training_set
from training.pace import paced
from training.sentences import known_words

BATCH_FRAMES = 3200
PEAK_RATE = 2e-3
KEPT_EVERY = 100
PHONEMES_SHARE = 0.5
# More than this, and dropout, hold so short a training back.
MASKS, MASK_FRAMES, MASK_BANDS = 1, 10, 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, help="folder for config.json and model.safetensors")
    parser.add_argument("--utterances", type=int, default=24000)
    parser.add_argument("--steps", type=int, default=12000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, help="of the steps together, at most")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--start", type=Path, help="go on from these weights")
    parser.add_argument("--peak", type=float, default=PEAK_RATE)
    asked = parser.parse_args()
    torch.manual_seed(asked.seed)
    torch.set_num_threads(asked.threads)
    started_s = time.monotonic()
    heard = list(training_set(asked.utterances, asked.seed, asked.threads))
    print(f"{len(heard)} utterances made in {time.monotonic() - started_s:.0f} s", flush=True)
    ear = Ear(EarShape())
    print(sum(weight.numel() for weight in ear.parameters()), "weights")
    if asked.start:
        ear.load_state_dict({k: v.float() for k, v in load_file(asked.start).items()})
    for step in train(ear, heard, asked.steps, asked.seed, asked.peak, asked.minutes):
        if step % KEPT_EVERY == 0:
            save(ear, asked.out)
    save(ear, asked.out)


def train(
    ear: Ear,
    heard: list[Heard],
    steps: int,
    seed: int,
    peak: float = PEAK_RATE,
    minutes: float | None = None,
) -> Iterator[int]:
    """Letters by CTC and, half way, the phoneme of each step, which espeak-ng tells.

    Yields the number of each step that is done.
    """
    names = sorted({name for one in heard for name in one.phonemes})
    phonemes = nn.Linear(EarShape().width, LETTERS_PER_STEP * len(names))
    weights = [*ear.parameters(), *phonemes.parameters()]
    optimiser = torch.optim.AdamW(weights, peak, betas=(0.9, 0.98), weight_decay=1e-2)
    ear.train()
    means = [0.0, 0.0]
    pace = paced(optimiser, peak, steps, minutes)
    batches = batches_of(heard, lambda one: len(one.frames), BATCH_FRAMES, random.Random(seed))
    for step, batch in zip(pace, batches, strict=False):
        frames = _padded(batch, random.Random(step))
        with torch.autocast("cpu", torch.bfloat16):
            half_way, logits = ear.hear(frames)
            guessed = phonemes(half_way)
        parts = (
            _letters_loss(logits.float(), batch),
            _phonemes_loss(guessed.float().reshape(*logits.shape[:2], -1), batch, names),
        )
        optimiser.zero_grad()
        torch.autograd.backward(parts[0] + PHONEMES_SHARE * parts[1])
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimiser.step()
        means = [m + (p.item() - m) / min(step, 50) for m, p in zip(means, parts, strict=True)]
        if step % 100 == 0:
            told = " ".join(f"{mean:.3f}" for mean in means)
            print(f"step {step} {told} cpu {time.process_time():.0f} s", flush=True)
        yield step


def save(ear: Ear, folder: Path) -> None:
    """As the engine loads it; half precision."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: value.half().contiguous() for name, value in ear.state_dict().items()}
    save_file(weights, folder / "model.safetensors")
    config = {"model_type": "tiny_stt", "languages": ["en"], "shape": asdict(EarShape())}
    (folder / "words.txt").write_text("\n".join(known_words()) + "\n")
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")


def _padded(batch: list[Heard], dice: random.Random) -> Tensor:
    longest = max(len(one.frames) for one in batch)
    frames = torch.zeros(len(batch), longest, batch[0].frames.shape[1])
    for row, one in zip(frames, batch, strict=True):
        row[: len(one.frames)] = _masked(normalise(torch.from_numpy(one.frames).float()), dice)
    return frames


def _masked(frames: Tensor, dice: random.Random) -> Tensor:
    """Source: Park et al. 2019, SpecAugment."""
    for _ in range(MASKS):
        start, width = dice.randrange(len(frames)), dice.randint(0, MASK_FRAMES)
        frames[start : start + width] = 0
        start, width = dice.randrange(frames.shape[1]), dice.randint(0, MASK_BANDS)
        frames[:, start : start + width] = 0
    return frames


def _letters_loss(logits: Tensor, batch: list[Heard]) -> Tensor:
    # Padding is heard as silence, which the ear has to learn too: every row has full length.
    targets = [[LETTERS.index(letter) for letter in one.text] for one in batch]
    return functional.ctc_loss(
        functional.log_softmax(logits, -1).transpose(0, 1),
        torch.tensor(np.concatenate(targets)),
        torch.full((len(batch),), logits.shape[1]),
        torch.tensor([len(one) for one in targets]),
        zero_infinity=True,
    )


def _phonemes_loss(logits: Tensor, batch: list[Heard], names: list[str]) -> Tensor:
    index = {name: place for place, name in enumerate(names)}
    wanted = torch.full(logits.shape[:2], -100)
    for row, one in zip(wanted, batch, strict=True):
        row[: len(one.phonemes)] = torch.tensor([index[name] for name in one.phonemes])
    return functional.cross_entropy(logits.flatten(0, 1), wanted.flatten())


if __name__ == "__main__":
    main()
