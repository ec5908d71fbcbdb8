"""/api/models, /api/datasets, /api/spaces: info, tree, paths-info and refs of a repository."""

import json
from collections.abc import Iterable
from typing import Any

from aiohttp import web
from yarl import URL

from tests.hub.access import hub_error
from tests.hub.addresses import Address
from tests.hub.repo import Commit, HubFile, HubRepo, RepoKind

PAGE_ENTRIES = 1000
# A commit's time is its number in seconds after this, so that two processes agree on it.
FIRST_COMMIT = "2024-01-01T00:{:02d}:{:02d}.000Z"


async def answer_api(request: web.Request, repo: HubRepo, address: Address) -> web.Response:
    if address.action == "refs":
        return web.json_response(_refs(repo))
    try:
        commit = repo.commit(address.revision)
    except KeyError:
        return hub_error(404, "RevisionNotFound", f"Invalid rev id: {address.revision}")
    if address.action == "tree":
        return _tree(request, commit, address.path)
    if address.action == "paths-info":
        return _paths_info(commit, (await request.post()).getall("paths", []))
    return web.json_response(_info(request, repo, commit))


def _info(request: web.Request, repo: HubRepo, commit: Commit) -> dict[str, object]:
    blobs = request.query.get("blobs", "").lower() in {"true", "1"}
    card = repo.card(commit)
    pipeline_tag = repo.pipeline_tag or card.get("pipeline_tag")
    library = repo.library_name or card.get("library_name")
    tags = [*repo.tags, *_strings(card.get("tags")), *_strings([library, pipeline_tag])]
    info: dict[str, object] = {
        "_id": commit.sha[:24],
        "id": repo.id,
        "author": repo.id.split("/")[0],
        "sha": commit.sha,
        "createdAt": commit_time(0),
        "lastModified": commit_time(commit.number),
        "private": repo.private,
        "gated": repo.gated,
        "disabled": repo.disabled,
        "downloads": 0,
        "likes": 0,
        "tags": list(dict.fromkeys(tags)),
        "cardData": card,
        "siblings": [_sibling(file, blobs=blobs) for file in commit.files.values()],
        "usedStorage": sum(file.size for file in commit.files.values()),
    }
    if repo.kind is RepoKind.MODEL:
        info["modelId"] = repo.id
        info |= {"pipeline_tag": pipeline_tag} if pipeline_tag else {}
        info |= {"library_name": library} if library else {}
        info["config"] = _config(commit)
    expand = request.query.getall("expand", [])
    return {k: v for k, v in info.items() if not expand or k in {"_id", "id", *expand}}


def _config(commit: Commit) -> dict[str, object]:
    """The few keys of config.json that the hub repeats in a model's info."""
    file = commit.files.get("config.json")
    try:
        loaded = json.loads(file.content.read(0, file.size)) if file else {}
    except ValueError:
        return {}
    return {key: loaded[key] for key in ("architectures", "model_type") if key in loaded}


def _sibling(file: HubFile, *, blobs: bool) -> dict[str, object]:
    if not blobs:
        return {"rfilename": file.path}
    found: dict[str, object] = {"rfilename": file.path, "blobId": file.blob_id, "size": file.size}
    if file.is_lfs:
        found["lfs"] = {"sha256": file.sha256, "size": file.size, "pointerSize": file.pointer_size}
    return found


def _tree(request: web.Request, commit: Commit, folder: str) -> web.Response:
    recursive = request.query.get("recursive", "").lower() in {"true", "1"}
    entries = list(tree_entries(commit, folder.strip("/"), recursive=recursive))
    if folder and not entries:
        return hub_error(404, "EntryNotFound", f"{folder} does not exist on this revision")
    limit = min(int(request.query.get("limit", PAGE_ENTRIES)), PAGE_ENTRIES)
    start = int(request.query.get("cursor", "0"))
    headers = {}
    if start + limit < len(entries):
        following = URL(str(request.url)).update_query(cursor=str(start + limit))
        headers["Link"] = f'<{following}>; rel="next"'
    return web.json_response(entries[start : start + limit], headers=headers)


def tree_entries(commit: Commit, folder: str, *, recursive: bool) -> Iterable[dict[str, object]]:
    """Files and folders below folder, each once, folders before what is in them."""
    prefix = f"{folder}/" if folder else ""
    seen: set[str] = set()
    for path, file in commit.files.items():
        if not path.startswith(prefix):
            continue
        parts = path.removeprefix(prefix).split("/")
        depth = len(parts) - 1 if recursive else min(len(parts) - 1, 1)
        for level in range(1, depth + 1):
            inner = prefix + "/".join(parts[:level])
            if inner not in seen:
                seen.add(inner)
                yield {"type": "directory", "oid": commit.sha, "size": 0, "path": inner}
        if recursive or len(parts) == 1:
            yield _tree_file(file)


def _tree_file(file: HubFile) -> dict[str, object]:
    found: dict[str, object] = {
        "type": "file", "oid": file.blob_id, "size": file.size, "path": file.path,
    }  # fmt: skip
    if file.is_lfs:
        found["lfs"] = {"oid": file.sha256, "size": file.size, "pointerSize": file.pointer_size}
    return found


def _paths_info(commit: Commit, paths: list[Any]) -> web.Response:
    found = [_tree_file(commit.files[str(p)]) for p in paths if str(p) in commit.files]
    return web.json_response(found)


def _refs(repo: HubRepo) -> dict[str, object]:
    def listed(prefix: str) -> list[dict[str, str]]:
        return [
            {"name": ref.removeprefix(prefix), "ref": ref, "targetCommit": sha}
            for ref, sha in repo.refs.items()
            if ref.startswith(prefix)
        ]

    return {
        "branches": listed("refs/heads/"),
        "tags": listed("refs/tags/"),
        "converts": listed("refs/convert/"),
    }


def commit_time(number: int) -> str:
    return FIRST_COMMIT.format(number // 60 % 60, number % 60)


def _strings(values: object) -> list[str]:
    return [v for v in values if isinstance(v, str)] if isinstance(values, list) else []
