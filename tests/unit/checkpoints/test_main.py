import subprocess
import sys


def test_missing_folder_is_told() -> None:
    made = subprocess.run(
        [sys.executable, "-m", "tests.checkpoints"], capture_output=True, text=True, check=False
    )
    assert made.returncode != 0
    assert "DIR" in made.stderr
