"""What the rules look at: a checkout's files, its services and their syntax trees."""

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

SERVICES = (
    "gateway",
    "inference-svc",
    "audio-svc",
    "model-registry-svc",
    "gpu-svc",
    "autoscaler-svc",
    "auth-svc",
)
# Folders that tools and fleets make in a checkout.
MADE = {".git", ".venv", ".fleetserve", ".hypothesis", "__pycache__", "build", "dist"}


@dataclass(frozen=True)
class Module:
    """A Python file below a src folder; ``name`` is dotted, as it is imported."""

    path: Path
    name: str
    tree: ast.Module

    @property
    def package(self) -> str:
        return self.name.partition(".")[0]

    def imports(self) -> Iterator[tuple[int, str]]:
        """Line and dotted name of everything imported, also inside functions."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((node.lineno, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield from ((node.lineno, f"{node.module}.{a.name}") for a in node.names)


class Checkout:
    """A tree of files as it would be committed.

    Args:
        root: Its top.
        files: Relative paths; None asks git for what is tracked or would be.
    """

    def __init__(self, root: Path, files: list[Path] | None = None) -> None:
        self.root = root
        self.files = sorted(_committable(root) if files is None else files)

    @cached_property
    def services(self) -> list[str]:
        """The services that have begun to be written."""
        tops = {path.parts[0] for path in self.files if "src" in path.parts[1:2]}
        return [service for service in SERVICES if service in tops]

    @cached_property
    def packages(self) -> list[str]:
        return ["fleetserve", *(service.replace("-", "_") for service in self.services)]

    @cached_property
    def modules(self) -> list[Module]:
        """Every Python file below a top folder's src."""
        return [self._module(p, 2) for p in self.files if p.suffix == ".py" and p.parts[1] == "src"]

    @cached_property
    def scripts(self) -> list[Module]:
        """Every other Python file: tests, benchmarks and what CI runs."""
        return [
            self._module(p, 0) for p in self.files if p.suffix == ".py" and "src" not in p.parts
        ]

    def _module(self, path: Path, depth: int) -> Module:
        name = ".".join(path.with_suffix("").parts[depth:]).removesuffix(".__init__")
        return Module(path, name, ast.parse(self.text(path)))

    def text(self, path: Path) -> str:
        return (self.root / path).read_text(encoding="utf-8")

    def texts(self) -> Iterator[tuple[Path, str]]:
        """Every file that is text."""
        for path in self.files:
            try:
                yield path, self.text(path)
            except UnicodeDecodeError:
                continue


def _committable(root: Path) -> list[Path]:
    """What git tracks or would; without git, everything that is not plainly made by a tool."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        listed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    except (FileNotFoundError, subprocess.CalledProcessError):
        return [path for path in _walked(root) if not MADE & set(path.parts)]
    names = [name for name in listed.stdout.split("\0") if name]
    return [Path(name) for name in names if (root / name).is_file()]


def _walked(root: Path) -> Iterator[Path]:
    for path in root.rglob("*"):
        relative = path.relative_to(root)
        tools = any(part.endswith(("_cache", ".egg-info")) for part in relative.parts)
        if path.is_file() and not tools:
            yield relative
