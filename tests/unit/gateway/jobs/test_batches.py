from pathlib import Path

import pytest

from fleetserve.asgi import Message, Scope
from fleetserve.errors import FleetError, ModelNotFoundError, UnsupportedMediaError
from gateway.bodies import BodyStore
from gateway.jobs.batches import BatchDoor
from gateway.jobs.work import read_work
from gateway.known_models import KnownModels
from tests.unit.gateway.jobs.conftest import Office


@pytest.fixture
def bodies(tmp_path: Path) -> BodyStore:
    return BodyStore(tmp_path / "spool", max_body=1000, spool_above=20, max_total=2000)


@pytest.fixture
def door(office: Office, bodies: BodyStore) -> BatchDoor:
    return BatchDoor(office.intake, bodies, KnownModels([], {"tensor": ["example"]}))


def asked(query: bytes, kind: bytes = b"application/x-ndjson") -> Scope:
    headers = [(b"content-type", kind), (b"idempotency-key", b"k")]
    return {"type": "http", "headers": headers, "query_string": query}


def sending(content: bytes) -> object:
    async def receive() -> Message:
        return {"type": "http.request", "body": content, "more_body": False}

    return receive


async def test_lines_become_a_job_for_the_model_by_its_own_name(
    door: BatchDoor, office: Office, bodies: BodyStore
) -> None:
    content = b"[1,2,3]\n" * 10
    query = b"model=tensor&parameters=%7B%22a%22%3A1%7D"
    job = (await door.take(asked(query), sending(content))).job  # type: ignore[arg-type]
    work = read_work(job)
    assert (work.model, work.lines, work.route) == ("example", 10, "/predict")
    assert work.parameters == {"a": 1}
    assert office.files.body(work.folder).read_bytes() == content
    again = (await door.take(asked(query), sending(content))).job  # type: ignore[arg-type]
    assert again.id == job.id
    assert bodies.held_bytes == 0


@pytest.mark.parametrize(
    ("scope", "error"),
    [
        (asked(b"model=nothing"), ModelNotFoundError),
        (asked(b"model=example", b"text/plain"), UnsupportedMediaError),
    ],
)
async def test_refused_upload_leaves_nothing(
    door: BatchDoor, office: Office, bodies: BodyStore, scope: Scope, error: type[FleetError]
) -> None:
    with pytest.raises(error):
        await door.take(scope, sending(b"[1]\n"))  # type: ignore[arg-type]
    assert bodies.held_bytes == 0
    assert office.files.folders() == []
