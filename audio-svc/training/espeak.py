"""espeak-ng by its C library: samples, and when each word and phoneme begins.

The engine is process-wide, so is this module's one ``Espeak``. Nothing of espeak-ng is shipped:
its speech is what the models learn from.
"""

import ctypes
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 22050
PAUSE = "_"
_SYNCHRONOUS, _PHONEME_EVENTS = 2, 1
_UTF8, _WORD, _PHONEME = 1, 1, 7
_SPEED, _PITCH, _RANGE = 1, 3, 4
# Bits 8 to 23 of phoneme_mode: the sign between two phonemes.
_SEPARATED = ord("|") << 8


class _Id(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("text", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_id", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_ms", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Id),
    )


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


@dataclass(frozen=True, slots=True)
class Manner:
    """How a text is said.

    Attributes:
        voice: A voice of espeak-ng, with its variant after a plus sign.
        words_per_minute: 80 to 450.
        pitch: 0 to 99.
        pitch_range: 0 to 99.
    """

    voice: str
    words_per_minute: int = 175
    pitch: int = 50
    pitch_range: int = 50


@dataclass(frozen=True, slots=True)
class Spoken:
    """What was said.

    Attributes:
        samples: float32 [n], mono, in [-1, 1], at RATE_HZ.
        phonemes: Name and first sample of each; pauses are named PAUSE.
        words: Place in ``phonemes`` where each word begins.
    """

    samples: NDArray[np.float32]
    phonemes: tuple[tuple[str, int], ...]
    words: tuple[int, ...]


class Espeak:
    """Raises OSError where libespeak-ng is missing, ValueError for an unknown voice."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL("libespeak-ng.so.1")
        self._library.espeak_TextToPhonemes.restype = ctypes.c_char_p
        self._pieces: list[bytes] = []
        self._phonemes: list[tuple[str, int]] = []
        self._words: list[int] = []
        rate = self._library.espeak_Initialize(_SYNCHRONOUS, 0, None, _PHONEME_EVENTS)
        assert rate == RATE_HZ, f"espeak-ng speaks at {rate} Hz"
        # Kept: the library holds no reference to it.
        self._callback = _Callback(self._take)
        self._library.espeak_SetSynthCallback(self._callback)

    def say(self, text: str, manner: Manner) -> Spoken:
        self._set_voice(manner.voice)
        self._library.espeak_SetParameter(_SPEED, manner.words_per_minute, 0)
        self._library.espeak_SetParameter(_PITCH, manner.pitch, 0)
        self._library.espeak_SetParameter(_RANGE, manner.pitch_range, 0)
        self._pieces, self._phonemes, self._words = [], [], []
        data = text.encode() + b"\0"
        self._library.espeak_Synth(data, len(data), 0, 1, 0, _UTF8, None, None)
        whole = np.frombuffer(b"".join(self._pieces), np.int16)
        samples = whole.astype(np.float32) / np.float32(32768)
        return Spoken(samples, tuple(self._phonemes), tuple(self._words))

    def spell(self, text: str, voice: str) -> list[list[str]]:
        """The phonemes of each word, with their stress in front: ' and ,."""
        self._set_voice(voice)
        rest = ctypes.c_char_p(text.encode() + b"\0")
        words: list[list[str]] = []
        while rest.value:
            clause = self._library.espeak_TextToPhonemes(ctypes.byref(rest), _UTF8, _SEPARATED)
            words += [word.split("|") for word in clause.decode().split()]
        return words

    def _set_voice(self, voice: str) -> None:
        if self._library.espeak_SetVoiceByName(voice.encode()):
            raise ValueError(f"espeak-ng has no voice {voice}")

    def _take(self, samples: "ctypes._Pointer[ctypes.c_short]", count: int, events: object) -> int:
        if samples and count:
            self._pieces.append(ctypes.string_at(samples, 2 * count))
        for event in events:  # type: ignore[attr-defined]
            if event.type == 0:
                break
            if event.type == _PHONEME:
                self._note(event.id.text.decode(), event.sample)
            elif event.type == _WORD:
                self._words.append(len(self._phonemes))
        return 0

    def _note(self, name: str, sample: int) -> None:
        if not name.startswith(PAUSE):
            self._phonemes.append((name, sample))
        elif not self._phonemes or self._phonemes[-1][0] != PAUSE:
            # A pause comes in parts of several names, and is one here.
            self._phonemes.append((PAUSE, sample))
