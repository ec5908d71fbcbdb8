"""Each peer in a virtual environment of its own, so that nobody's versions bind anybody else."""

import hashlib
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[1]
ENVIRONMENTS = ROOT / ".bench"


def environment(name: str, *also: Path) -> Path:
    """The folder of the environment, made from requirements/<name>.txt when that has changed.

    Args:
        also: More files that it is made of.

    Raises: CalledProcessError: pip could not install it; what it said stands above.
    """
    requirements = FOLDER / "requirements" / f"{name}.txt"
    folder = ENVIRONMENTS / name
    content = b"".join(file.read_bytes() for file in (requirements, *also))
    stamp, wanted = folder / "made", hashlib.sha256(content).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return folder
    print(f"installing {name}", file=sys.stderr, flush=True)
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
    # This one's pip: the one that comes with Python takes minutes to choose versions.
    pip = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python"), "install", "-q"]
    subprocess.run([*pip, "-r", str(requirements)], cwd=ROOT, check=True)
    stamp.write_text(wanted)
    return folder
