from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from prometheus_client import CollectorRegistry

from fleetserve.asgi import Receive, Scope, Send
from fleetserve.clock import ManualClock
from fleetserve.errors import UnauthorizedError
from fleetserve.log_file import LogFile, LogSink
from fleetserve.metrics.requests import RequestMetrics
from fleetserve.request_log import RequestLog
from gateway.refusals import LONGEST_PATH, Refusals
from tests.unit.gateway.fleet import Client


@pytest.fixture
def file(tmp_path: Path) -> Iterator[LogFile]:
    file = LogFile(tmp_path, "gateway", max_bytes=1 << 20, keep=1)
    yield file
    file.close()


async def test_refusal_is_timed_logged_and_counted(file: LogFile) -> None:
    clock, registry = ManualClock(1000.0), CollectorRegistry()
    sink = LogSink(file, stdout=False)
    log = RequestLog(sink, "gateway", "g1", clock)
    refusals = Refusals(log, RequestMetrics("gateway", "g1", registry), clock)

    async def door(scope: Scope, receive: Receive, send: Send) -> None:
        begin_s = refusals.now_s()
        clock.move(0.25)
        await refusals.answer(scope, send, UnauthorizedError("No."), begin_s)

    path = "/models/" + "x" * 500
    answer = await Client(door).send("GET", path, headers={"x-request-id": "r1"})
    assert answer.status == 401
    assert dict(answer.headers)["x-process-time"] == "0.250000"
    sink.flush()
    line = orjson.loads(file.path.read_bytes())
    assert (line["status"], line["ms"], line["request_id"]) == (401, 250.0, "r1")
    assert line["route"] == path[:LONGEST_PATH]
    assert line["bytes_out"] == len(answer.body)
    labels = {"route": "refused", "status": "401"}
    assert registry.get_sample_value("fleetserve_requests_total", labels) == 1.0
