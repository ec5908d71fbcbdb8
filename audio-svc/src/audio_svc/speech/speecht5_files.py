"""What the files of a SpeechT5 tell; nothing here needs torch."""

from pathlib import Path

from audio_svc.facts import FileFacts
from fleetserve.manifest import VOCODER_FOLDER

LANGUAGES = ("en",)
DEFAULT_VOICE = "default"
NEUTRAL_VOICE = "neutral"
VOICES_FOLDER = "voices"


def order_voices(names: set[str]) -> tuple[str, ...]:
    """The default voice first (neutral where there is no default), the others by name."""
    known = names | {NEUTRAL_VOICE}
    first = DEFAULT_VOICE if DEFAULT_VOICE in known else NEUTRAL_VOICE
    return (first, *sorted(known - {first}))


def has_vocoder(folder: Path) -> bool:
    return (folder / VOCODER_FOLDER / "config.json").is_file()


def read_facts(folder: Path) -> FileFacts:
    names = {path.stem for path in (folder / VOICES_FOLDER).glob("*.npy")}
    missing = ""
    if not has_vocoder(folder):
        missing = (
            "it was downloaded without its vocoder. Download it again with include_vocoder: true."
        )
    return FileFacts(order_voices(names), LANGUAGES, missing)
