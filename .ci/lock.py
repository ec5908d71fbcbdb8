"""Writes requirements.lock: one version of every package that any folder here installs.

    make lock                 keeps what is locked, adds and removes what pyproject.toml files ask
    make lock ARGS=--upgrade  takes the newest of everything that is not pinned

The lock is a constraints file: it holds names and versions only, so that pip takes each package
from wherever it is set up to look. Hence no index lines, and no local versions: torch==2.13.0 is
met by its CPU and its CUDA builds.
"""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
LOCK = ROOT / "requirements.lock"
HEADER = "# The exact version of every package. Made by `make lock`; not edited by hand.\n"


def projects() -> list[dict[str, Any]]:
    return [tomllib.loads(path.read_text()) for path in sorted(ROOT.glob("*/pyproject.toml"))]


def wanted() -> list[str]:
    """Every requirement of every folder and of the root's groups, without our own packages."""
    own = {project["project"]["name"] for project in projects()}
    root = tomllib.loads((ROOT / "pyproject.toml").read_text())
    found = {line for group in root["dependency-groups"].values() for line in group}
    for project in projects():
        found.update(_requirements(project))
    return sorted(line for line in found if _name(line) not in own)


def _requirements(project: dict[str, Any]) -> Iterator[str]:
    yield from project["build-system"]["requires"]
    yield from project["project"].get("dependencies", [])
    for extra in project["project"].get("optional-dependencies", {}).values():
        yield from extra


def _name(requirement: str) -> str:
    return re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0]


def compile_lock(options: list[str]) -> None:
    command = [
        *(sys.executable, "-m", "piptools", "compile", "--quiet"),
        *("--no-header", "--no-annotate", "--strip-extras", "--allow-unsafe"),
        *("--no-emit-options", "--no-emit-index-url", "--no-emit-find-links"),
        *("--output-file", LOCK.name, *options, "-"),
    ]
    text = "\n".join(wanted())
    subprocess.run(command, input=text, text=True, check=True, cwd=ROOT)  # noqa: S603
    lines = LOCK.read_text().splitlines()
    pins = sorted(re.sub(r"\+\S+", "", line) for line in lines if "==" in line)
    LOCK.write_text(HEADER + "\n".join(pins) + "\n")


if __name__ == "__main__":
    compile_lock(sys.argv[1:])
