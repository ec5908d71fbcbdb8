"""Recordings of voices: checked when they come, and kept in one format that every replica reads."""

import io

from fleetserve.errors import InvalidFieldError, UnsupportedMediaError
from fleetserve.voices import MAX_SAMPLE_S, MIN_SAMPLE_S

FIELD = "file"
FORMATS = ("wav", "flac", "mp3", "ogg", "opus")
QUIET = 0.003  # A peak of -50 dB: a microphone that was off.


def to_flac(data: bytes) -> bytes:
    """The recording as 16-bit FLAC at its own rate, its channels mixed down to one.

    Raises: UnsupportedMediaError: it is no sound file; InvalidFieldError: it is damaged, too
    short, too long, or nothing is heard in it.
    """
    # With NumPy, which nothing else here needs.
    import soundfile

    try:
        file = soundfile.SoundFile(io.BytesIO(data))
    except soundfile.LibsndfileError:
        raise UnsupportedMediaError(
            f"{FIELD}: this is no sound file that can be read here. A recording of a voice is "
            f"{', '.join(FORMATS)}; a vector is .npy or a JSON list."
        ) from None
    with file:
        rate_hz: int = file.samplerate
        try:
            # One frame more than there may be, so that what is too long is never all in memory.
            heard = file.read(int(MAX_SAMPLE_S * rate_hz) + 1, dtype="float32", always_2d=True)
        except soundfile.LibsndfileError as exc:
            raise InvalidFieldError(FIELD, f"the recording is damaged: {exc}") from None
    seconds = len(heard) / rate_hz
    if not MIN_SAMPLE_S <= seconds <= MAX_SAMPLE_S:
        lasts = f"{seconds:.2f} s" if seconds < MIN_SAMPLE_S else "longer"
        raise InvalidFieldError(
            FIELD, f"a voice is a recording of {MIN_SAMPLE_S:g} to {MAX_SAMPLE_S:g} s, not {lasts}"
        )
    mixed = heard.mean(axis=1)
    if not QUIET < abs(mixed).max() < float("inf"):
        raise InvalidFieldError(FIELD, "nothing is heard in the recording")
    kept = io.BytesIO()
    soundfile.write(kept, mixed, rate_hz, format="FLAC", subtype="PCM_16")
    return kept.getvalue()
