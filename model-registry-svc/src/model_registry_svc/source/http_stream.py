"""Ranged GETs that follow redirects by hand, so that tokens and conditions go where they belong."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import httpx2 as httpx

from fleetserve.clock import Clock
from fleetserve.errors import ForbiddenError, UpstreamError
from model_registry_svc.source.base import (
    ArtifactChangedError,
    InterruptedTransferError,
    RepositoryNotFoundError,
    SourceBusyError,
)

# huggingface_hub brings httpx2 along; a second HTTP library would cost the worker 5 MB.
MAX_REDIRECTS = 6
# A silent server is asked again, from where it fell silent, which costs nothing twice.
TIMEOUT = httpx.Timeout(10.0)
MAX_RETRY_AFTER_S = 300.0
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_REPEATABLE = frozenset({408, 425, 429, 500, 502, 503, 504})
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")

HeadersFor = Callable[[str], Mapping[str, str]]
CheckUrl = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Sighting:
    """A file's size and strong ETag, as far as its server tells them."""

    total: int | None
    validator: str | None


class HttpStream:
    """The body of one answer; see ArtifactStream.

    ``total`` is what the server says the whole artifact has.
    """

    def __init__(self, response: httpx.Response, start: int, total: int | None) -> None:
        self._response = response
        self.start = start
        self.total = total
        self.validator = _strong_etag(response)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._response.close()

    def __iter__(self) -> Iterator[bytes]:
        try:
            # As they arrive: what would be gathered here for a larger piece is lost by a cut.
            yield from self._response.iter_raw()
        except httpx.TransportError as exc:
            raise InterruptedTransferError(f"The transfer broke: {_reason(exc)}.") from exc


class HttpOpener:
    """Opens addresses at an offset. Blocking; safe from several threads.

    Args:
        client: Pools connections; must not follow redirects itself.
        clock: Turns a Retry-After date into seconds.
        headers_for: Headers (a token) for one address; called anew for each redirect.
        check_url: Refuses an address by raising; called for each redirect too.
    """

    def __init__(
        self,
        client: httpx.Client,
        clock: Clock,
        *,
        headers_for: HeadersFor = lambda _: {},
        check_url: CheckUrl = lambda _: None,
    ) -> None:
        self._client = client
        self._clock = clock
        self._headers_for = headers_for
        self._check_url = check_url

    def open(self, url: str, offset: int, validator: str | None) -> HttpStream:
        """The artifact from ``offset`` on; the port's errors."""
        response = self._follow(url, offset, validator)
        try:
            self._refuse(response, redirected=origin(url) != origin(str(response.url)))
            return _stream(response, offset)
        except BaseException:
            response.close()
            raise

    def look(self, url: str) -> Sighting:
        """What stands at an address, without fetching it.

        Raises: RepositoryNotFoundError: nothing. SourceBusyError: it can't be told now. Else
            what ``open`` raises.
        """
        try:
            with self.open(url, 0, None) as stream:
                return Sighting(stream.total, stream.validator)
        except ArtifactChangedError as exc:
            raise RepositoryNotFoundError(f"There is nothing at {url}.") from exc
        except InterruptedTransferError as exc:
            raise SourceBusyError(exc.detail, retry_after_s=exc.retry_after_s) from exc

    def _follow(self, url: str, offset: int, validator: str | None) -> httpx.Response:
        for _ in range(MAX_REDIRECTS + 1):
            response = self._send(url, offset, validator)
            location = response.headers.get("location")
            if response.status_code not in _REDIRECTS or location is None:
                return response
            response.close()
            url = str(response.url.join(location))
        raise UpstreamError(f"{_host(url)} redirects more than {MAX_REDIRECTS} times.")

    def _send(self, url: str, offset: int, validator: str | None) -> httpx.Response:
        self._check_url(url)
        # Compressed bytes can't be resumed, nor do they have the size that was announced.
        headers = {"Accept-Encoding": "identity", **self._headers_for(url)}
        if offset:
            headers["Range"] = f"bytes={offset}-"
            if validator:
                headers["If-Match"] = validator
        try:
            return self._client.send(
                self._client.build_request("GET", url, headers=headers), stream=True
            )
        except (httpx.TransportError, httpx.InvalidURL) as exc:
            raise InterruptedTransferError(f"{_host(url)}: {_reason(exc)}.") from exc

    def _refuse(self, response: httpx.Response, *, redirected: bool) -> None:
        status, host = response.status_code, _host(str(response.url))
        if status in {200, 206}:
            return
        if status in {412, 416, 404, 410}:
            raise ArtifactChangedError(f"{host} answers {status}: it has another version now.")
        if status in _REPEATABLE:
            raise InterruptedTransferError(
                f"{host} answers {status}.",
                retry_after_s=retry_after_s(response.headers.get("retry-after"), self._clock),
            )
        if status in {401, 403} and redirected:
            # Signed addresses of a CDN expire; the next attempt gets a new one.
            raise InterruptedTransferError(f"{host} answers {status}.")
        if status in {401, 403}:
            said = response.headers.get("x-error-message") or f"{host} answers {status}."
            raise ForbiddenError(said, code="source_refuses")
        raise UpstreamError(f"{host} answers {status}.")


def _stream(response: httpx.Response, offset: int) -> HttpStream:
    if response.status_code == 206:
        found = _CONTENT_RANGE.fullmatch(response.headers.get("content-range", ""))
        if found is None or int(found[1]) != offset:
            raise InterruptedTransferError("The server answered with another range.")
        return HttpStream(response, offset, None if found[3] == "*" else int(found[3]))
    length = response.headers.get("content-length", "")
    return HttpStream(response, 0, int(length) if length.isdigit() else None)


def retry_after_s(value: str | None, clock: Clock) -> float | None:
    """Seconds to wait from a Retry-After header, at most MAX_RETRY_AFTER_S; None: not said."""
    if not value:
        return None
    if value.strip().isdigit():
        return min(float(value), MAX_RETRY_AFTER_S)
    try:
        wait_s = parsedate_to_datetime(value).timestamp() - clock.now_s()
    except ValueError:
        return None
    return min(max(wait_s, 0.0), MAX_RETRY_AFTER_S)


def origin(url: str) -> tuple[str, str]:
    """Scheme and host with port: what a token may be sent to."""
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.lower()


def _strong_etag(response: httpx.Response) -> str | None:
    etag: str = response.headers.get("etag", "")
    return etag if etag.startswith('"') else None


def _host(url: str) -> str:
    return urlsplit(url).netloc or url


def _reason(exc: Exception) -> str:
    return str(exc) or type(exc).__name__
