"""What only a real connection can show: reuse, back-pressure, the protocol's corners."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import pytest

from gateway.bodies import Body
from gateway.upstream.http11 import Http11Upstream


@pytest.fixture(scope="module", params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": request.param}


@pytest.fixture
async def upstream() -> AsyncIterator[Http11Upstream]:
    upstream = Http11Upstream()
    yield upstream
    await upstream.close()


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Callable[[bytes], Body]]:
    files: list[BinaryIO] = []

    def make(content: bytes) -> Body:
        file = (tmp_path / "spool").open("w+b")
        files.append(file)
        file.write(content)
        file.flush()
        return Body(None, file, len(content))

    yield make
    for file in files:
        file.close()
