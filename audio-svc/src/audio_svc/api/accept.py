"""Whether the caller wants the sound file itself, or events, by its Accept header."""

from audio_svc.audio.encoding import FORMATS, AudioFormat
from fleetserve.errors import NotAcceptableError

MEDIA_NAMES = {
    "audio/wav": "wav",
    "audio/wave": "wav",
    "audio/x-wav": "wav",
    "audio/vnd.wave": "wav",
    "audio/flac": "flac",
    "audio/x-flac": "flac",
    "audio/mpeg": "mp3",
    "audio/mp3": "mp3",
    "audio/ogg": "ogg",
    "audio/opus": "opus",
    "audio/aac": "aac",
    "audio/aacp": "aac",
    "audio/pcm": "pcm",
    "audio/l16": "pcm",
}
EVENTS_RANGE = "text/event-stream"
JSON_RANGES = frozenset({"application/json", "application/*", "*/*"})


def wanted_audio(accept: str) -> tuple[bool, str | None]:
    """Whether a file is wanted rather than JSON, and the format's name where one is said.

    The first range that can be served decides; what has q=0 is not wanted.
    """
    for media in _ranges(accept):
        if media in JSON_RANGES:
            return False, None
        if media == "audio/*":
            return True, None
        if MEDIA_NAMES.get(media) in FORMATS:
            return True, MEDIA_NAMES[media]
    return False, None


def wants_events(accept: str) -> bool:
    """Whether events are what the caller wants most."""
    return _ranges(accept)[:1] == [EVENTS_RANGE]


def choose_format(asked: AudioFormat | None, accepted: str | None) -> AudioFormat:
    """The body's output_format, else the header's, else wav.

    Raises: NotAcceptableError: they contradict each other.
    """
    if asked is None:
        return FORMATS[accepted or "wav"]
    same_media = accepted is not None and (
        FORMATS[accepted].container == asked.container or asked.name == accepted
    )
    if accepted is not None and not same_media:
        raise NotAcceptableError(
            f"output_format is {asked.name}, and the Accept header wants {accepted}."
        )
    return asked


def _ranges(accept: str) -> list[str]:
    """Media ranges by falling q, in their order where it is the same."""
    weighed: list[tuple[float, int, str]] = []
    for place, part in enumerate(accept.split(",")):
        media, *parameters = (piece.strip().lower() for piece in part.split(";"))
        weight = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                weight = _number(parameter[2:])
        if media and weight > 0:
            weighed.append((-weight, place, media))
    return [media for _weight, _place, media in sorted(weighed)]


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
