"""/{id}/resolve/{revision}/{path}, and the CDN that carries the bytes of LFS files."""

import hashlib
import hmac
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

from aiohttp import web

from tests.hub.access import hub_error
from tests.hub.addresses import Address
from tests.hub.faults import FaultBook
from tests.hub.ranges import select
from tests.hub.records import RequestRecord
from tests.hub.repo import Commit, HubFile, HubRepo
from tests.hub.transfer import Transfer

Redirects = Literal["cdn", "relative", "none"]


@dataclass(slots=True)
class Downloads:
    """Answers requests for files.

    redirects: cdn: LFS files by 302 to another origin (the second port), as the real hub does;
        relative: all files by 307 to /api/resolve-cache on the same origin, as the real hub does
        with small ones; none: the bytes at once.
    cdn_port: known once the server listens.
    """

    faults: FaultBook
    redirects: Redirects = "cdn"
    cdn_port: int = 0
    secret: bytes = b"hub"

    async def resolve(
        self, request: web.Request, repo: HubRepo, address: Address, record: RequestRecord
    ) -> web.StreamResponse:
        try:
            commit = repo.commit(address.revision)
        except KeyError:
            message = f"Invalid rev id: {address.revision}"
            return hub_error(404, "RevisionNotFound", message)
        file = commit.files.get(address.path)
        if file is None:
            return hub_error(404, "EntryNotFound", "Entry not found", X_Repo_Commit=commit.sha)
        headers = _file_headers(commit, file)
        if self.redirects == "cdn" and file.is_lfs:
            location = self._cdn_url(request, repo, file)
            return web.Response(status=302, headers={**headers, "Location": location})
        if self.redirects == "relative" and not request.path.startswith("/api/"):
            return web.Response(
                status=307, headers={**headers, "Location": _cache_path(repo, commit, file)}
            )
        return await self._send(request, repo, file, headers, record)

    async def cdn(
        self, request: web.Request, repo: HubRepo, address: Address, record: RequestRecord
    ) -> web.StreamResponse:
        """Bytes by sha256 for whoever has the signed address; no token is wanted here."""
        sha256 = address.revision
        if not hmac.compare_digest(request.query.get("Signature", ""), self._signature(sha256)):
            return web.Response(status=403, text="<Error><Code>AccessDenied</Code></Error>")
        known = (f for c in repo.commits.values() for f in c.files.values() if f.sha256 == sha256)
        file = next((f for f in known if f.path == address.path), None)
        if file is None:
            return web.Response(status=404, text="<Error><Code>NoSuchKey</Code></Error>")
        return await self._send(request, repo, file, {"ETag": f'"{sha256}"'}, record)

    async def _send(
        self,
        request: web.Request,
        repo: HubRepo,
        file: HubFile,
        headers: dict[str, str],
        record: RequestRecord,
    ) -> web.StreamResponse:
        etag = headers["ETag"].strip('"')
        asked = {name.lower(): value for name, value in request.headers.items()}
        selection = select(file.size, etag, asked)
        headers = {**headers, "Accept-Ranges": "bytes"}
        if selection.status == 416:
            headers["Content-Range"] = f"bytes */{file.size}"
        if selection.status == 206:
            headers["Content-Range"] = f"bytes {selection.start}-{selection.end - 1}/{file.size}"
        if selection.status not in {200, 206}:
            return web.Response(status=selection.status, headers=headers)
        headers["Content-Type"] = "application/octet-stream"
        response = web.StreamResponse(status=selection.status, headers=headers)
        if request.method == "HEAD":
            response.content_length = selection.end - selection.start
            await response.prepare(request)
            return response
        names = (f"{repo.id}/{file.path}", file.path)
        length = selection.end - selection.start
        met = self.faults.body_for(record.where, names, selection.start, length)
        transfer = Transfer(file, selection, met, lambda: repo.alter(file.path))
        await transfer.send(request, response, record)
        return response

    def _cdn_url(self, request: web.Request, repo: HubRepo, file: HubFile) -> str:
        # The caller's own name for this host, since a container and the host see different ones.
        host = (request.host or "127.0.0.1").rsplit(":", 1)[0]
        path = f"/cdn/{repo.kind}/{repo.id}/{file.sha256}/{quote(file.path)}"
        return f"http://{host}:{self.cdn_port}{path}?Signature={self._signature(file.sha256)}"

    def _signature(self, sha256: str) -> str:
        return hmac.new(self.secret, sha256.encode(), hashlib.sha256).hexdigest()


def _file_headers(commit: Commit, file: HubFile) -> dict[str, str]:
    name = quote(file.path.rsplit("/", 1)[-1])
    headers = {
        "ETag": f'"{file.etag}"',
        "X-Repo-Commit": commit.sha,
        "Accept-Ranges": "bytes",
        "Content-Disposition": f"inline; filename*=UTF-8''{name}; filename=\"{name}\";",
    }
    if file.is_lfs:
        headers |= {"X-Linked-Etag": f'"{file.sha256}"', "X-Linked-Size": str(file.size)}
    return headers


def _cache_path(repo: HubRepo, commit: Commit, file: HubFile) -> str:
    return f"/api/resolve-cache/{repo.kind}/{repo.id}/{commit.sha}/{quote(file.path)}"
