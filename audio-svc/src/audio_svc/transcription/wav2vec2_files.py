"""What the files of a wav2vec2 tell; nothing here needs torch."""

import json
import string
from pathlib import Path

from audio_svc.facts import FileFacts

VOCABULARY_FILE = "vocab.json"
ENGLISH = frozenset(string.ascii_uppercase + string.ascii_lowercase + "'|-")
UNKNOWN = "und"  # ISO 639: the files don't say.


def read_facts(folder: Path) -> FileFacts:
    """English by its alphabet; of others the files tell no language."""
    try:
        vocabulary = json.loads((folder / VOCABULARY_FILE).read_bytes())
    except (OSError, ValueError):
        return FileFacts(
            missing=f"it has no readable {VOCABULARY_FILE}: only a wav2vec2 fine-tuned for CTC "
            "writes what it hears."
        )
    letters = {token for token in vocabulary if len(token) == 1}
    return FileFacts(languages=("en",) if letters <= ENGLISH else (UNKNOWN,))
