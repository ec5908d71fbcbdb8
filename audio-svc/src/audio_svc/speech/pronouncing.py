"""How English words are said: by ``tiny_tts``'s table, and by its speller for those it lacks."""

from pathlib import Path

import torch
from safetensors.torch import load_file

from audio_svc.speech.tiny_files import SPELLER_FILE, TABLE_FILE, read_table, read_voice_config
from audio_svc.speech.tiny_net import LETTERS, Speller
from audio_svc.speech.tiny_text import MarkedSound, sounds_of
from fleetserve.errors import InvalidFieldError


class Pronouncer:
    """Text to sounds. folder: of a ``tiny_tts``."""

    def __init__(self, folder: Path) -> None:
        self._sounds = read_voice_config(folder).sounds
        self._table = read_table(folder / TABLE_FILE)
        self.module = Speller(len(self._sounds)).eval()
        tensors = load_file(folder / SPELLER_FILE)
        self.module.load_state_dict({name: value.float() for name, value in tensors.items()})

    def say(self, text: str) -> list[MarkedSound]:
        """Raises: InvalidFieldError: there is nothing in it that can be said."""
        with torch.inference_mode():
            sounds = sounds_of(text, self._table, self._spell)
        if not sounds:
            raise InvalidFieldError(
                "inputs", f"this model says Latin letters and digits only: {text[:60]!r} has none"
            )
        return sounds

    def _spell(self, word: str) -> list[str]:
        """Sounds by the letters alone; empty where they tell none."""
        letters = torch.tensor([[LETTERS.index(letter) for letter in word]])
        likeliest = self.module(letters)[0].argmax(-1).unique_consecutive()
        return [self._sounds[place] for place in likeliest.tolist() if place]
