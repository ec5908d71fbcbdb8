"""Error rates of words and letters, of espeak-ng's voices and of our own.

python -m training.measure --help
"""

import argparse
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import torch

from audio_svc.speech.base import Samples, Utterance
from audio_svc.speech.tiny import TinySpeech
from audio_svc.transcription.base import TranscriptionOptions
from audio_svc.transcription.tiny import MEL, TinyHearing
from audio_svc.transcription.tiny_net import LETTERS
from audio_svc.transcription.tiny_words import spell_out
from training.hearing_data import unseen_set

KINDS = ("everyday", "wide", "held_out")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("ear", type=Path)
    parser.add_argument("voice", type=Path, nargs="?")
    parser.add_argument("--sentences", type=int, default=200)
    parser.add_argument("--seed", type=int, default=977)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    ear = TinyHearing(asked.ear, "cpu")
    for kind in KINDS:
        heard = list(unseen_set(kind, asked.sentences, asked.seed))
        report(f"espeak-ng, unseen voices, {kind}", ear, heard)
    if asked.voice:
        voice = TinySpeech(asked.voice, "cpu")
        for kind in KINDS[:2]:
            texts = [text for text, _ in unseen_set(kind, asked.sentences // 2, asked.seed)]
            report(f"tiny_tts, {kind}", ear, list(spoken(voice, texts)))


def spoken(voice: TinySpeech, texts: Iterable[str]) -> Iterable[tuple[str, Samples]]:
    for place, text in enumerate(texts):
        name = voice.voices()[place % len(voice.voices())]
        pieces = voice.synthesize(Utterance(text, name, seed=0))
        yield text, np.concatenate([piece.samples for piece in pieces if piece is not None])


def report(title: str, ear: TinyHearing, heard: Sequence[tuple[str, Samples]]) -> None:
    """One line: errors of words and of letters, and those of the letters before any word list."""
    words, letters, plain = [0, 0], [0, 0], [0, 0]
    started = time.process_time()
    for text, samples in heard:
        told = " ".join(transcribed(ear, samples).split())
        by_letters = spell_out(ear.letter_scores(samples), LETTERS)
        for counts, one, other in (
            (words, told.split(), text.split()),
            (letters, list(told), list(text)),
            (plain, list(by_letters), list(text)),
        ):
            counts[0] += edits(one, other)
            counts[1] += len(other)
    seconds = sum(len(samples) for _, samples in heard) / MEL.rate_hz
    rate = (time.process_time() - started) / seconds
    print(
        f"{title}: {len(heard)} sentences, WER {words[0] / words[1]:.1%}, "
        f"CER {letters[0] / letters[1]:.1%} (letters alone {plain[0] / plain[1]:.1%}), "
        f"CPU {rate:.3f} of the speech's time",
        flush=True,
    )


def transcribed(ear: TinyHearing, samples: Samples) -> str:
    found = ear.transcribe(samples, TranscriptionOptions(language="en"))
    return "".join(segment.text for segment in found if segment is not None)


def edits(told: Sequence[str], wanted: Sequence[str]) -> int:
    """Levenshtein's distance."""
    row = list(range(len(wanted) + 1))
    for place, one in enumerate(told, 1):
        diagonal, row[0] = row[0], place
        for column, other in enumerate(wanted, 1):
            diagonal, row[column] = (
                row[column],
                min(row[column] + 1, row[column - 1] + 1, diagonal + (one != other)),
            )
    return row[-1]


if __name__ == "__main__":
    main()
