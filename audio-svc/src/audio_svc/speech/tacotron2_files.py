"""What the files of a Tacotron2 tell; nothing here needs torch.

SpeechBrain publishes hyperparams.yaml and model.ckpt, NVIDIA one file with tacotron2 in its name;
neither has a config.json.
"""

import re
from pathlib import Path

from audio_svc.facts import FileFacts
from fleetserve.manifest import VOCODER_FOLDER

HYPERPARAMETERS = "hyperparams.yaml"
PICKLES = (".ckpt", ".pt", ".pth", ".bin")
VOICE = "default"
LANGUAGES = ("en",)
NO_VOCODER = "it was downloaded without its vocoder. Download it again with include_vocoder: true."


def is_tacotron2(folder: Path) -> bool:
    return weights_of(folder) is not None


def weights_of(folder: Path) -> Path | None:
    """The file with the weights, if these are a Tacotron2's."""
    named = [path for path in _pickles(folder) if "tacotron2" in path.name.lower()]
    if named:
        return named[0]
    checkpoint = folder / "model.ckpt"
    told = read_hyperparameters(folder)
    return checkpoint if "Tacotron2" in told and checkpoint.is_file() else None


def generator_of(folder: Path) -> Path | None:
    """The file with a HiFi-GAN generator's weights."""
    return next(iter(_pickles(folder)), None)


def read_hyperparameters(folder: Path) -> str:
    """hyperparams.yaml as text: its tags make Python objects, so it is not loaded as YAML."""
    path = folder / HYPERPARAMETERS
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def number_in(hyperparameters: str, key: str, default: float) -> float:
    """A number at the top level."""
    match = re.search(rf"^{key}:\s*([0-9.]+)\s*(#.*)?$", hyperparameters, re.MULTILINE)
    return float(match[1]) if match else default


def read_facts(folder: Path) -> FileFacts:
    missing = "" if generator_of(folder / VOCODER_FOLDER) else NO_VOCODER
    return FileFacts((VOICE,), LANGUAGES, missing)


def _pickles(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*") if path.suffix in PICKLES)
