"""Recordings of spoken sentences by espeak-ng, made when a test asks for them."""

import functools
import shutil
import subprocess

ESPEAK = "espeak-ng"
SENTENCES = (
    "The quick brown fox jumps over the lazy dog.",
    "She sells sea shells by the sea shore, twice a week.",
)


def espeak_is_installed() -> bool:
    return shutil.which(ESPEAK) is not None


@functools.cache
def record(text: str, voice: str = "en", words_per_minute: int = 160) -> bytes:
    """A 16-bit mono WAV file at 22.05 kHz.

    Raises: FileNotFoundError: espeak-ng is not installed (apt package espeak-ng).
    """
    command = [ESPEAK, "--stdout", "-v", voice, "-s", str(words_per_minute), text]
    return subprocess.run(command, check=True, capture_output=True).stdout
