"""Makes the pronunciations of ``tiny_tts``: a table of common words, and a network for all others.

python -m training.train_speller --help
"""

import argparse
import json
import random
import time
from difflib import SequenceMatcher
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional

from audio_svc.speech.tiny_net import LETTERS, Speller
from training.espeak import Espeak
from training.sentences import held_out_words, wide_words
from training.speaking_data import VOICE

BATCH_WORDS = 128
PEAK_RATE = 3e-3
# So that a word has the form it has in a sentence; "a" and "the" alone have another.
CARRIER = "they see {} now"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, help="folder of the voice, whose config.json is there")
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    asked = parser.parse_args()
    torch.manual_seed(asked.seed)
    torch.set_num_threads(asked.threads)
    table = make_table(Espeak())
    config = json.loads((asked.out / "config.json").read_text())
    known = set(config["phonemes"])
    table = {w: s for w, s in table.items() if all(_plain(one) in known for one in s)}
    sounds = ["", *sorted({sound for spelled in table.values() for sound in spelled})]
    speller = Speller(len(sounds))
    learnt = {word: spelled for word, spelled in table.items() if word not in held_out_words()}
    train(speller, learnt, sounds, asked.steps, random.Random(asked.seed))
    _report(speller, {w: table[w] for w in sorted(held_out_words() & table.keys())}, sounds)
    weights = {name: value.half().contiguous() for name, value in speller.state_dict().items()}
    save_file(weights, asked.out / "speller.safetensors")
    lines = [f"{word}\t{' '.join(spelled)}\n" for word, spelled in sorted(table.items())]
    (asked.out / "pronunciations.txt").write_text("".join(lines))
    (asked.out / "speller.json").write_text(json.dumps({"sounds": sounds}) + "\n")


def make_table(espeak: Espeak) -> dict[str, list[str]]:
    """Sounds of each wide word, stress in front."""
    found: dict[str, list[str]] = {}
    for word in wide_words():
        spelled = espeak.spell(CARRIER.format(word), VOICE)
        if len(spelled) == len(CARRIER.split()):
            found[word] = spelled[2]
    return found


def train(
    speller: Speller,
    table: dict[str, list[str]],
    sounds: list[str],
    steps: int,
    dice: random.Random,
) -> None:
    optimiser = torch.optim.AdamW(speller.parameters(), PEAK_RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, PEAK_RATE, steps, pct_start=0.1)
    words, mean = list(table), 0.0
    for step in range(1, steps + 1):
        # Of one length, so that no padding is taken for letters.
        length = len(dice.choice(words))
        chosen = dice.choices([word for word in words if len(word) == length], k=BATCH_WORDS)
        targets = [[sounds.index(sound) for sound in table[word]] for word in chosen]
        with torch.autocast("cpu", torch.bfloat16):
            logits = speller(_letters(chosen))
        loss = functional.ctc_loss(
            functional.log_softmax(logits.float(), -1).transpose(0, 1),
            torch.tensor([sound for target in targets for sound in target]),
            torch.full((len(chosen),), logits.shape[1]),
            torch.tensor([len(target) for target in targets]),
            zero_infinity=True,
        )
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(speller.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        mean += (loss.item() - mean) / min(step, 50)
        if step % 250 == 0:
            print(f"step {step} loss {mean:.3f} cpu {time.process_time():.0f} s", flush=True)


def _report(speller: Speller, table: dict[str, list[str]], sounds: list[str]) -> None:
    speller.eval()
    wrong = total = words = 0
    for word, spelled in table.items():
        with torch.inference_mode():
            best = speller(_letters([word]))[0].argmax(-1).unique_consecutive().tolist()
        told = [_plain(sounds[place]) for place in best if place]
        wanted = [_plain(one) for one in spelled]
        same = sum(b.size for b in SequenceMatcher(None, told, wanted, False).get_matching_blocks())
        wrong += max(len(told), len(wanted)) - same
        total += len(wanted)
        words += told == wanted
    print(f"{len(table)} held-out words: phonemes wrong {wrong / total:.1%}, words right "
          f"{words / len(table):.1%}")  # fmt: skip


def _letters(words: list[str]) -> Tensor:
    return torch.tensor([[LETTERS.index(letter) for letter in word] for word in words])


def _plain(sound: str) -> str:
    return sound.lstrip("',")


if __name__ == "__main__":
    main()
