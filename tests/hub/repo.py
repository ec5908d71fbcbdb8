"""Repositories: commits of files, each addressable for ever by its hash."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatch
from pathlib import Path
from threading import Lock
from typing import Literal

import yaml

from tests.hub.content import Content

# What the hub's own default .gitattributes keeps in LFS.
LFS_PATTERNS = (
    *(
        "*.safetensors",
        "*.bin",
        "*.pt",
        "*.pth",
        "*.ckpt",
        "*.h5",
        "*.onnx",
        "*.msgpack",
        "*.model",
    ),
    *(
        "*.npy",
        "*.npz",
        "*.parquet",
        "*.arrow",
        "*.zip",
        "*.gz",
        "*.7z",
        "*.tar",
        "*.pickle",
        "*.wav",
    ),
)
SETTINGS_FILE = ".hub.json"


class RepoKind(StrEnum):
    """The first path segment of the API; a model has none in its download address."""

    MODEL = "models"
    DATASET = "datasets"
    SPACE = "spaces"


@dataclass(frozen=True, slots=True)
class HubFile:
    """One version of one file.

    etag: as the hub gives it: sha256 of an LFS file, git's blob SHA-1 of any other.
    blob_id: git's name of what git holds, so of the pointer when the file is in LFS.
    """

    path: str
    content: Content
    size: int
    sha256: str
    blob_id: str
    pointer_size: int | None

    @property
    def is_lfs(self) -> bool:
        return self.pointer_size is not None

    @property
    def etag(self) -> str:
        return self.sha256 if self.is_lfs else self.blob_id


@dataclass(frozen=True, slots=True)
class Commit:
    sha: str
    title: str
    number: int
    files: Mapping[str, HubFile]


@dataclass(slots=True)
class HubRepo:
    """A repository made from a folder; the folder's files are read in place, not copied.

    folder: hidden files count, but for .hub.json, .git and .cache.
    lfs_threshold: files of at least so many bytes are in LFS, as is what the hub's default patterns
        name.
    allowed: tokens that may read a gated or private repository.
    disabled: every download is refused, as the hub does with repositories it took down.
    """

    id: str
    folder: Path | None = None
    kind: RepoKind = RepoKind.MODEL
    lfs_threshold: int = 10_000_000
    pipeline_tag: str | None = None
    library_name: str | None = None
    tags: tuple[str, ...] = ()
    gated: Literal["auto", "manual", False] = False
    private: bool = False
    disabled: bool = False
    allowed: frozenset[str] = frozenset()
    files: Mapping[str, bytes | Path] = field(default_factory=dict)
    commits: dict[str, Commit] = field(default_factory=dict, init=False)
    refs: dict[str, str] = field(default_factory=dict, init=False)
    _lock: Lock = field(default_factory=Lock, init=False, repr=False)

    def __post_init__(self) -> None:
        found = _folder_files(self.folder) if self.folder is not None else {}
        self.push({**found, **self.files}, title="initial commit")

    def push(
        self,
        files: Mapping[str, bytes | Path],
        *,
        remove: Iterable[str] = (),
        title: str = "Upload files",
        branch: str = "main",
    ) -> str:
        """Commit new versions of files onto a branch (made from main when new); return the hash."""
        fresh = {path: self._file(path, Content(source)) for path, source in files.items()}
        return self._commit(fresh, set(remove), title, branch)

    def alter(self, path: str, branch: str = "main") -> str:
        """Commit a version of path with the same length and one other byte; return the hash."""
        old = self.commit(branch).files[path]
        return self._commit({path: self._file(path, old.content.altered())}, set(), "Alter", branch)

    def tag(self, name: str, revision: str = "main") -> None:
        self.refs[f"refs/tags/{name}"] = self.commit(revision).sha

    def commit(self, revision: str) -> Commit:
        """Find a branch, a tag, a full ref or a commit hash (7 digits or more).

        Raises:
            KeyError: there is no such revision.
        """
        for ref in (revision, f"refs/heads/{revision}", f"refs/tags/{revision}"):
            if ref in self.refs:
                return self.commits[self.refs[ref]]
        if re.fullmatch("[0-9a-f]{7,40}", revision):
            for sha, commit in self.commits.items():
                if sha.startswith(revision):
                    return commit
        raise KeyError(revision)

    @property
    def sha(self) -> str:
        """The commit hash of main."""
        return self.commit("main").sha

    def card(self, commit: Commit) -> dict[str, object]:
        """Return the README's front matter, empty where there is none."""
        readme = commit.files.get("README.md")
        if readme is None:
            return {}
        text = readme.content.read(0, readme.size).decode(errors="replace")
        found = re.match(r"---\s*\n(.*?)\n---\s*(\n|$)", text, re.DOTALL)
        loaded = yaml.safe_load(found.group(1)) if found else None
        return loaded if isinstance(loaded, dict) else {}

    def _file(self, path: str, content: Content) -> HubFile:
        size, digests = content.size, content.digests()
        in_lfs = size >= self.lfs_threshold or any(fnmatch(path, p) for p in LFS_PATTERNS)
        if not in_lfs:
            return HubFile(path, content, size, digests.sha256, digests.git_sha1, None)
        spec = "version https://git-lfs.github.com/spec/v1"
        pointer = Content(f"{spec}\noid sha256:{digests.sha256}\nsize {size}\n".encode())
        blob_id = pointer.digests().git_sha1
        return HubFile(path, content, size, digests.sha256, blob_id, pointer.size)

    def _commit(
        self, fresh: Mapping[str, HubFile], remove: set[str], title: str, branch: str
    ) -> str:
        ref = branch if branch.startswith("refs/") else f"refs/heads/{branch}"
        with self._lock:
            parent = self.refs.get(ref) or self.refs.get("refs/heads/main")
            old = self.commits[parent].files if parent else {}
            kept = {path: file for path, file in old.items() if path not in remove}
            files = dict(sorted({**kept, **fresh}.items()))
            tree = "\n".join(f"{file.blob_id} {path}" for path, file in files.items())
            named = f"{self.kind} {self.id}\n{parent}\n{title}\n{tree}"
            # The same folder gives the same hash in every process, as a clone would.
            sha = hashlib.sha1(named.encode(), usedforsecurity=False).hexdigest()
            self.commits[sha] = Commit(sha, title, len(self.commits), files)
            self.refs[ref] = sha
        return sha


def _folder_files(folder: Path) -> dict[str, Path]:
    found = {}
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if path.is_file() and inside.parts[0] not in {SETTINGS_FILE, ".git", ".cache"}:
            found[inside.as_posix()] = path
    return found
