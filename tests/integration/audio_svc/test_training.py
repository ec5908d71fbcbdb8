"""The training of the built-in models: a few steps of each give files that the engines load."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from audio_svc.built_in import FOLDER
from audio_svc.families import read_config
from tests.integration.fleet import ROOT

FEW = ("--utterances", "4", "--steps", "2")


def run(module: str, *arguments: str) -> str:
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-m", f"training.{module}", *arguments],
        cwd=ROOT / "audio-svc",
        env={"PATH": os.defpath, "PYTHONPATH": "."},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    return ended.stdout


@pytest.fixture(scope="module")
def ear(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Just trained."""
    folder = str(tmp_path_factory.mktemp("ear") / "tiny_stt")
    run("train_ear", folder, *FEW)
    return folder


def test_models_are_trained_and_measured(tmp_path: Path, ear: str) -> None:
    voice = str(tmp_path / "tiny_tts")
    run("train_voice", voice, *FEW)
    # So few utterances have not all the phonemes of the table: words with others are left out.
    run("train_speller", voice, "--steps", "2")
    told = run("measure", ear, voice, "--sentences", "2")
    assert told.count("WER") == 5
    for folder in (voice, ear):
        assert read_config(Path(folder), folder)["model_type"] == Path(folder).name


def test_shipped_models_are_as_good_as_the_docs_say() -> None:
    told = run("measure", str(FOLDER / "tiny_stt"), str(FOLDER / "tiny_tts"), "--sentences", "60")
    rates = re.findall(r"WER ([\d.]+)%, CER ([\d.]+)%", told)
    words, letters = ([float(row[place]) for row in rates] for place in (0, 1))
    everyday, wide, held_out, spoken_everyday, spoken_wide = range(5)
    assert max(words[everyday], words[spoken_everyday]) < 6
    assert max(letters[wide], letters[held_out], letters[spoken_wide]) < 25


def test_same_seed_gives_the_same_files(tmp_path: Path, ear: str) -> None:
    run("train_ear", str(tmp_path / "again"), *FEW)
    first, second = (Path(folder) / "model.safetensors" for folder in (ear, tmp_path / "again"))
    assert first.read_bytes() == second.read_bytes()
