import subprocess
import sys
from pathlib import Path


def test_wrong_configuration_ends_the_start_with_one_clear_line(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("audio:\n  max_audio_seconds: never\n")
    made = subprocess.run(
        [sys.executable, "-m", "audio_svc"],
        env={"FLEETSERVE_HOME": str(tmp_path), "FLEETSERVE_CONFIG": str(config)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert made.returncode == 1
    assert "max_audio_seconds" in made.stderr
    assert "Traceback" not in made.stderr
