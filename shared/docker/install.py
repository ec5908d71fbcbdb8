"""Installs what the given folders' pyproject.toml files ask for, at the locked versions.

    python install.py FOLDER[EXTRA,…]...

For the builds of images: only pyproject.toml files are read, so that a change of code does not
install everything again. The folders' own packages are left out; images have them by a copy.
"""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

LOCK = Path(__file__).with_name("requirements.lock")
FOLDER = re.compile(r"(?P<path>[^\[]+)(\[(?P<extras>[^\]]*)\])?")


def project_of(folder: str) -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads(Path(folder, "pyproject.toml").read_text())["project"]
    return found


def requirements(arguments: list[str]) -> list[str]:
    """Everything that the folders and their extras ask for, but not the folders themselves."""
    own, wanted = set(), set()
    for argument in arguments:
        match = FOLDER.fullmatch(argument)
        if match is None:
            sys.exit(f"{argument!r} is not FOLDER or FOLDER[EXTRA,…]")
        project = project_of(match["path"])
        own.add(project["name"])
        wanted.update(project.get("dependencies", []))
        for extra in filter(None, (match["extras"] or "").split(",")):
            wanted.update(project["optional-dependencies"][extra])
    return sorted(wanted - own)


if __name__ == "__main__":
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-cache-dir", "-c", str(LOCK)]
    found = subprocess.run([*command, *requirements(sys.argv[1:])], check=False)  # noqa: S603
    sys.exit(found.returncode)
