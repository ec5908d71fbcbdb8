import subprocess
import sys
from pathlib import Path


def test_wrong_settings_end_in_one_clear_line(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("jobs:\n  keep: 1\n")
    ended = subprocess.run(
        [sys.executable, "-m", "gateway.jobs"],
        env={"FLEETSERVE_HOME": str(tmp_path), "FLEETSERVE_CONFIG": str(config)},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert ended.returncode == 2
    (line,) = ended.stderr.splitlines()
    assert f"{config}:2: jobs.keep: no such key" in line
