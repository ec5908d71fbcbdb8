"""The hub's addresses, read from the raw path: a revision may hold quoted slashes."""

from dataclasses import dataclass
from urllib.parse import quote, unquote

from tests.hub.repo import RepoKind

API_ACTIONS = {"revision", "tree", "paths-info", "refs", "resolve"}


@dataclass(frozen=True, slots=True)
class Address:
    """action: info, tree, paths-info or refs of the API; resolve for a download; cdn for its bytes.

    path: inside the repository; for the CDN the wanted sha256.
    """

    kind: RepoKind
    repo_id: str
    action: str
    revision: str = "main"
    path: str = ""

    @property
    def where(self) -> str:
        return self.action if self.action in {"resolve", "cdn"} else "api"

    @property
    def resolve_path(self) -> str:
        """The download address of this file, with no host."""
        prefix = "" if self.kind is RepoKind.MODEL else f"/{self.kind}"
        return f"{prefix}/{self.repo_id}/resolve/{quote(self.revision, safe='')}/{quote(self.path)}"


def parse_address(raw_path: str) -> Address | None:
    """Read a raw (still quoted) path without its query; None where the hub has no such route."""
    parts = [part for part in raw_path.split("/") if part]
    if parts[:2] == ["api", "resolve-cache"]:
        return _parse_cached(parts[2:])
    if parts[:1] == ["cdn"]:
        return _parse_cached(parts[1:], action="cdn")
    if parts[:1] == ["api"]:
        return _parse_api(parts[1:])
    kind = RepoKind.MODEL
    if parts and parts[0] in {RepoKind.DATASET, RepoKind.SPACE}:
        kind, parts = RepoKind(parts[0]), parts[1:]
    at = _action_at(parts, {"resolve"})
    if at is None or len(parts) < at + 3:
        return None
    return Address(
        kind, "/".join(parts[:at]), "resolve", unquote(parts[at + 1]), _inside(parts[at + 2 :])
    )


def _parse_api(parts: list[str]) -> Address | None:
    if len(parts) < 2 or parts[0] not in set(RepoKind):
        return None
    kind, parts = RepoKind(parts[0]), parts[1:]
    at = _action_at(parts, API_ACTIONS)
    if at is None:
        return Address(kind, "/".join(parts), "info") if len(parts) <= 2 else None
    repo_id, action, rest = "/".join(parts[:at]), parts[at], parts[at + 1 :]
    action = "info" if action == "revision" else action
    revision = unquote(rest[0]) if rest else "main"
    return Address(kind, repo_id, action, revision, _inside(rest[1:]))


def _parse_cached(parts: list[str], action: str = "resolve") -> Address | None:
    """<kind>/<org>/<name>/<commit or sha256>/<path>, where same-host and CDN redirects lead."""
    if len(parts) < 5 or parts[0] not in set(RepoKind):
        return None
    return Address(
        RepoKind(parts[0]), f"{parts[1]}/{parts[2]}", action, parts[3], _inside(parts[4:])
    )


def _action_at(parts: list[str], actions: set[str]) -> int | None:
    """Ids have one or two segments, so the action is the second or the third."""
    return next((at for at in (1, 2) if at < len(parts) and parts[at] in actions), None)


def _inside(parts: list[str]) -> str:
    return "/".join(unquote(part) for part in parts)
