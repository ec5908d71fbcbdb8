"""Both lists of jobs keep the promises of JobIndex."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fleetserve.clock import ManualClock
from fleetserve.keys import Keys
from fleetserve.redis_client import make_sync_redis
from gateway.jobs.index.base import JobIndex
from gateway.jobs.index.memory import MemoryIndex
from gateway.jobs.index.redis import RedisIndex
from tests.redis_server import RedisServer


@pytest.fixture(params=["memory", "redis"])
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[JobIndex]:
    if request.param == "memory":
        yield MemoryIndex(ManualClock(1000.0))
        return
    with RedisServer(tmp_path) as server, make_sync_redis(server.url) as client:
        yield RedisIndex(client, Keys("test:jobs"))


def ids(index: JobIndex, principal: str | None, limit: int = 9, before: int | None = None) -> str:
    return "".join(listed.job_id for listed in index.page(principal, limit, before))


def test_jobs_are_listed_by_principal_the_newest_first(index: JobIndex) -> None:
    for principal, job_id in (("ada", "a"), ("bob", "b"), ("ada", "c"), ("", "d")):
        index.add(principal, job_id)
    assert ids(index, "ada") == "ca"
    assert ids(index, "bob") == "b"
    assert ids(index, "") == "d"
    assert ids(index, "eve") == ""
    assert ids(index, None) == "dcba"


def test_page_goes_on_behind_a_place(index: JobIndex) -> None:
    for job_id in "abcde":
        index.add("ada", job_id)
    first = index.page("ada", 2, None)
    assert [listed.job_id for listed in first] == ["e", "d"]
    assert ids(index, "ada", 2, first[-1].place) == "cb"
    assert ids(index, None, 9, first[-1].place) == "cba"


def test_job_that_is_added_again_stays_where_it_is(index: JobIndex) -> None:
    for job_id in "aba":
        index.add("ada", job_id)
    assert ids(index, "ada") == ids(index, None) == "ba"


def test_forgotten_job_is_in_no_list(index: JobIndex) -> None:
    index.add("ada", "a")
    index.forget("ada", "a")
    index.forget("ada", "a")
    assert ids(index, "ada") == ids(index, None) == ""
