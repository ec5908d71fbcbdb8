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
from torch import Tensor
from torch.nn import functional

from audio_svc.transcription.tiny_net import LETTERS, Ear, EarShape, normalise
from training.hearing_data import Heard, training_set

BATCH_FRAMES = 6400
PEAK_RATE = 2e-3
WARM_UP_STEPS = 150
MASKS, MASK_FRAMES, MASK_BANDS = 2, 20, 14


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, help="folder for config.json and model.safetensors")
    parser.add_argument("--utterances", type=int, default=16000)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--start", type=Path, help="go on from these weights")
    parser.add_argument("--peak", type=float, default=PEAK_RATE)
    asked = parser.parse_args()
    torch.manual_seed(asked.seed)
    torch.set_num_threads(asked.threads)
    heard = list(training_set(asked.utterances, asked.seed))
    print(f"{len(heard)} utterances made in {time.process_time():.0f} s of CPU", flush=True)
    ear = Ear(EarShape())
    if asked.start:
        ear.load_state_dict({k: v.float() for k, v in load_file(asked.start).items()})
    train(ear, heard, asked.steps, asked.seed, asked.peak)
    save(ear, asked.out)


def train(ear: Ear, heard: list[Heard], steps: int, seed: int, peak: float = PEAK_RATE) -> None:
    optimiser = torch.optim.AdamW(ear.parameters(), peak, betas=(0.9, 0.98), weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, peak, steps, pct_start=min(0.2, WARM_UP_STEPS / steps), final_div_factor=100
    )
    ear.train()
    mean = 0.0
    for step, (frames, texts) in enumerate(_batches(heard, steps, random.Random(seed)), 1):
        with torch.autocast("cpu", torch.bfloat16):
            logits = ear(frames)
        loss = _loss(logits.float(), texts)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(ear.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        mean += (loss.item() - mean) / min(step, 50)
        if step % 100 == 0:
            print(f"step {step} loss {mean:.3f} cpu {time.process_time():.0f} s", flush=True)


def save(ear: Ear, folder: Path) -> None:
    """As the engine loads it; half precision."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: value.half().contiguous() for name, value in ear.state_dict().items()}
    save_file(weights, folder / "model.safetensors")
    config = {"model_type": "tiny_stt", "languages": ["en"], "shape": asdict(EarShape())}
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")


def _batches(
    heard: list[Heard], steps: int, dice: random.Random
) -> Iterator[tuple[Tensor, list[str]]]:
    """Of like lengths, so that little is padding; each with masks of its own."""
    made = 0
    while True:
        order = sorted(heard, key=lambda one: len(one.frames) * dice.uniform(0.9, 1.1))
        batches: list[list[Heard]] = [[]]
        for one in order:
            if (len(batches[-1]) + 1) * len(one.frames) > BATCH_FRAMES:
                batches.append([])
            batches[-1].append(one)
        dice.shuffle(batches)
        for batch in batches:
            if made == steps:
                return
            made += 1
            yield _padded(batch, dice), [one.text for one in batch]


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


def _loss(logits: Tensor, texts: list[str]) -> Tensor:
    # Padding is heard as silence, which the ear has to learn too: every row has full length.
    targets = [[LETTERS.index(letter) for letter in text] for text in texts]
    return functional.ctc_loss(
        functional.log_softmax(logits, -1).transpose(0, 1),
        torch.tensor(np.concatenate(targets)),
        torch.full((len(texts),), logits.shape[1]),
        torch.tensor([len(one) for one in targets]),
        zero_infinity=True,
    )


if __name__ == "__main__":
    main()
