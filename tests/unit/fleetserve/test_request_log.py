from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from fleetserve.clock import ManualClock
from fleetserve.log_file import LogFile, LogSink
from fleetserve.request_log import RequestLog

AT_S = 1_800_000_000.25


@pytest.fixture
def file(tmp_path: Path) -> Iterator[LogFile]:
    file = LogFile(tmp_path, "gateway", max_bytes=1 << 20, keep=1)
    yield file
    file.close()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(AT_S)


@pytest.fixture
def log(file: LogFile, clock: ManualClock) -> RequestLog:
    return RequestLog(LogSink(file, stdout=False), "gateway", "g1", clock)


def test_line_has_what_an_operator_asks_for_and_no_body(log: RequestLog, file: LogFile) -> None:
    log.write(
        request_id="r-1",
        method="POST",
        route="/predict",
        status=200,
        bytes_out=12,
        seconds=0.0123456,
        principal="ann",
        model="example",
        upstream="i1",
        attempts=2,
    )
    log.flush()
    assert orjson.loads(file.path.read_bytes()) == {
        "ts": "2027-01-15T08:00:00.250+00:00",
        "level": "info",
        "event": "request.completed",
        "service": "gateway",
        "replica": "g1",
        "request_id": "r-1",
        "method": "POST",
        "route": "/predict",
        "status": 200,
        "bytes_out": 12,
        "ms": 12.346,
        "principal": "ann",
        "model": "example",
        "upstream": "i1",
        "attempts": 2,
    }


def test_time_goes_on_from_line_to_line(log: RequestLog, file: LogFile, clock: ManualClock) -> None:
    for step_s in (0.5, 0.5, 3600.0):
        log.write(request_id="r", method="GET", route="/", status=200, bytes_out=0, seconds=0.0)
        clock.move(step_s)
    log.flush()
    stamps = [orjson.loads(line)["ts"] for line in file.path.read_bytes().splitlines()]
    assert stamps == [
        "2027-01-15T08:00:00.250+00:00",
        "2027-01-15T08:00:00.750+00:00",
        "2027-01-15T08:00:01.250+00:00",
    ]


def test_line_waits_for_the_flush(log: RequestLog, file: LogFile) -> None:
    log.write(request_id="r", method="GET", route="/", status=200, bytes_out=0, seconds=0.0)
    assert file.path.read_bytes() == b""
