"""Makes both models anew and measures them: python -m training --help."""

import argparse
import subprocess
import sys
from pathlib import Path

SHIPPED = Path(__file__).parents[1] / "src" / "audio_svc" / "models"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=SHIPPED, help="folder of both models' folders")
    parser.add_argument("--threads", default="2")
    parser.add_argument("--seed", default="1")
    asked = parser.parse_args()
    ear, voice = str(asked.out / "tiny_stt"), str(asked.out / "tiny_tts")
    common = ["--threads", asked.threads, "--seed", asked.seed]
    _run("training.train_voice", voice, *common)
    _run("training.train_speller", voice, *common)
    _run("training.train_ear", ear, *common)
    _run("training.measure", ear, voice)


def _run(module: str, *arguments: str) -> None:
    """In a process of its own: each sets torch's threads and seeds."""
    print(f"== {module}", flush=True)
    subprocess.run([sys.executable, "-m", module, *arguments], check=True)  # noqa: S603


if __name__ == "__main__":
    main()
