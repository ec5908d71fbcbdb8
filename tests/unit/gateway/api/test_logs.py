import asyncio
from pathlib import Path

import httpx
import orjson
import pytest
from fastapi import FastAPI

from fleetserve.asgi import Message
from fleetserve.settings import ServiceSettings
from gateway.api.answers import LogsAnswer
from gateway.api.logs import FOLLOW_PERIOD_S
from tests.unit.gateway.fleet import Client, Fleet

NAME = "inference-svc-1.jsonl"


def line(number: int, level: str = "info", request_id: str = "") -> bytes:
    return orjson.dumps({"level": level, "event": f"e{number}", "request_id": request_id}) + b"\n"


@pytest.fixture
def file(settings: ServiceSettings) -> Path:
    """A log file of ten lines, every third a warning."""
    path = settings.logs_dir / NAME
    lines = [line(n, "warning" if n % 3 == 0 else "info", f"r-{n % 2}") for n in range(10)]
    path.write_bytes(b"".join(lines))
    return path


def size_of(path: Path) -> int:
    return path.stat().st_size


def events(answer: httpx.Response) -> list[str]:
    return [orjson.loads(text)["event"] for text in answer.text.splitlines()]


async def test_files_are_listed_with_their_sizes(client: httpx.AsyncClient, file: Path) -> None:
    body = (await client.get("/logs")).json()
    LogsAnswer.model_validate(body)
    (found,) = [f for f in body["available_log_files"] if f["name"] == NAME]
    assert found["service"] == "inference-svc"
    assert (found["size_bytes"], found["line_count"]) == (size_of(file), 10)
    assert body["log_level"] == "info"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("lines=2", ["e8", "e9"]),
        ("lines=2&from_end=false", ["e0", "e1"]),
        ("level=warning", ["e0", "e3", "e6", "e9"]),
        ("level=warning&lines=1", ["e9"]),
        ("request_id=r-1&lines=2", ["e7", "e9"]),
        ("level=error", []),
    ],
)
async def test_wanted_lines_come_oldest_first(
    client: httpx.AsyncClient, file: Path, query: str, expected: list[str]
) -> None:
    answer = await client.get(f"/logs/{NAME}?{query}")
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.headers["x-total-lines"] == "10"
    assert answer.headers["x-file-size"] == str(size_of(file))
    assert events(answer) == expected


async def test_download_is_an_attachment(client: httpx.AsyncClient, file: Path) -> None:
    answer = await client.get(f"/logs/{NAME}?download=true")
    assert answer.headers["content-disposition"] == f'attachment; filename="{NAME}"'


@pytest.mark.parametrize(
    ("name", "status"),
    [("nothing.jsonl", 404), ("..%2Fsecret.jsonl", 404), (".hidden.jsonl", 400), ("a.txt", 400)],
)
async def test_wrong_name_is_a_400_and_a_missing_file_a_404(
    client: httpx.AsyncClient, name: str, status: int
) -> None:
    assert (await client.get(f"/logs/{name}")).status_code == status


@pytest.mark.parametrize("query", ["lines=0", "lines=x", "level=loud"])
async def test_wrong_parameter_is_named(client: httpx.AsyncClient, file: Path, query: str) -> None:
    answer = await client.get(f"/logs/{NAME}?{query}")
    assert answer.status_code == 422
    assert answer.json()["field"] == query.partition("=")[0]


async def test_following_goes_on_with_what_comes(app: FastAPI, fleet: Fleet, file: Path) -> None:
    client = Client(app)
    asking = asyncio.ensure_future(client.send("GET", f"/logs/{NAME}", query="follow=true&lines=1"))

    async def until(count: int) -> list[Message]:
        async with asyncio.timeout(5.0):
            while len([m for m in client.messages if m.get("body")]) < count:
                await fleet.clock.advance(FOLLOW_PERIOD_S)
                await asyncio.sleep(0.01)
        return client.messages

    await until(1)
    with file.open("ab") as log:
        log.write(line(10))
    messages = await until(2)
    assert [orjson.loads(m["body"])["event"] for m in messages if m.get("body")] == ["e9", "e10"]
    client.left.set()
    await asyncio.wait([asking])


async def test_emptying_a_file_frees_it_and_is_written_down(
    client: httpx.AsyncClient, settings: ServiceSettings, file: Path
) -> None:
    size = size_of(file)
    answer = await client.delete(f"/logs/{NAME}", headers={"x-request-id": "r-9"})
    assert answer.json()["freed_bytes"] == size
    assert size_of(file) == 0
    (act,) = (settings.logs_dir / "audit.jsonl").read_bytes().splitlines()
    written = orjson.loads(act)
    assert (written["event"], written["file"], written["request_id"]) == (
        "log.cleared",
        NAME,
        "r-9",
    )


async def test_audit_log_cannot_be_emptied(client: httpx.AsyncClient) -> None:
    answer = await client.delete("/logs/audit.jsonl")
    assert answer.status_code == 403
    assert answer.json()["code"] == "audit_log_kept"
