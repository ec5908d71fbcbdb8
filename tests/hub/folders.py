"""Repositories found in a folder tree: ROOT/<org>/<name>, ROOT/datasets/…, ROOT/spaces/…."""

import re
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from tests.hub.repo import SETTINGS_FILE, HubRepo, RepoKind


class RepoSettings(BaseModel):
    """What a repository's .hub.json may say; ``branches`` are more names of the same commit."""

    model_config = ConfigDict(extra="forbid")

    pipeline_tag: str | None = None
    library_name: str | None = None
    tags: tuple[str, ...] = ()
    gated: Literal["auto", "manual", False] = False
    private: bool = False
    disabled: bool = False
    allowed: frozenset[str] = frozenset()
    lfs_threshold: int = 10_000_000
    branches: tuple[str, ...] = ()


def open_folder(root: Path, kind: RepoKind, repo_id: str) -> HubRepo | None:
    """Make the repository of that id when its folder is there; None where it is not."""
    parts = repo_id.split("/")
    if not all(re.fullmatch(r"[\w.-]+", part) and part.strip(".") for part in parts):
        return None
    base = root if kind is RepoKind.MODEL else root / kind.value
    folder = base.joinpath(*parts)
    if len(parts) != 2 or not folder.is_dir():
        return None
    settings_path = folder / SETTINGS_FILE
    settings: dict[str, Any] = {}
    if settings_path.is_file():
        settings = dict(RepoSettings.model_validate_json(settings_path.read_text()))
    branches = settings.pop("branches", ())
    repo = HubRepo(repo_id, folder, kind, **settings)
    for branch in branches:
        repo.refs[f"refs/heads/{branch}"] = repo.sha
    return repo
