"""The small Whisper by CTranslate2's own converter, in the layout of Systran's repositories."""

import json
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from ctranslate2.converters import TransformersConverter
from transformers import WhisperFeatureExtractor

from tests.checkpoints.published import publish_whisper
from tests.checkpoints.whisper_tokenizer import TEXT_VOCABULARY_SIZE

FASTER_WHISPER = "Systran/faster-whisper-tiny"
COPIED = ("tokenizer.json", "preprocessor_config.json")


def publish_ctranslate2(folder: Path, quantization: str = "float32") -> Path:
    """The folder with the files."""
    source = publish_whisper(folder / "transformers")
    target = convert(source, folder / f"ctranslate2-{quantization}", quantization)
    shutil.rmtree(source)
    return target


def convert(source: Path, target: Path, quantization: str) -> Path:
    """The target, with what CTranslate2 reads of a folder of transformers'."""
    # transformers 5 writes it into processor_config.json, and the converter copies it apart.
    WhisperFeatureExtractor.from_pretrained(source).save_pretrained(source)
    converter = TransformersConverter(str(source), copy_files=list(COPIED))
    converter.convert(str(target), quantization=quantization)
    _mark_multilingual(target / "vocabulary.json")
    return target


def write_faster_whisper(root: Path) -> None:
    """The same into the folder of a hub, under its public name."""
    repository = root / FASTER_WHISPER
    repository.parent.mkdir(parents=True)
    with TemporaryDirectory(dir=root) as folder:
        publish_ctranslate2(Path(folder)).rename(repository)


def _mark_multilingual(path: Path) -> None:
    """The last text token of the published vocabulary is empty: by it CTranslate2 knows."""
    tokens = json.loads(path.read_text())
    tokens[TEXT_VOCABULARY_SIZE - 1] = ""
    path.write_text(json.dumps(tokens))
