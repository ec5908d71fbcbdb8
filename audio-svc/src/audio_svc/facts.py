"""What a model's files tell without loading it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FileFacts:
    """Voices, the default one first, and languages; empty where there are none to choose.

    Attributes:
        missing: Why it can't be loaded, if so.
    """

    voices: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    missing: str = ""
