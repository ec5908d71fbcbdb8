import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import orjson
import pytest
import structlog

from fleetserve.config import FleetConfig, LoggingConfig
from fleetserve.log_file import LogSink
from fleetserve.logs import configure_logging
from fleetserve.settings import ServiceSettings

pytestmark = pytest.mark.usefixtures("own_logging")


@pytest.fixture
def sink(settings: ServiceSettings) -> Iterator[LogSink]:
    sink = configure_logging(settings)
    yield sink
    sink.close()


@pytest.fixture
def lines(settings: ServiceSettings, sink: LogSink) -> "Lines":
    return Lines(settings)


class Lines:
    """What stands in the log file."""

    def __init__(self, settings: ServiceSettings) -> None:
        self._path = settings.logs_dir / f"{settings.replica_id}.jsonl"

    def read(self) -> list[dict[str, Any]]:
        return [orjson.loads(line) for line in self._path.read_bytes().splitlines()]


def test_event_is_one_json_line_with_who_and_when(lines: Lines) -> None:
    structlog.get_logger().info("replica.drained", in_flight=3)
    (line,) = lines.read()
    assert datetime.fromisoformat(line.pop("ts")).utcoffset() is not None
    assert line == {
        "level": "info",
        "event": "replica.drained",
        "in_flight": 3,
        "service": "gateway",
        "replica": "g1",
    }


def test_records_of_the_standard_library_take_the_same_form(lines: Lines) -> None:
    logging.getLogger("vendor").warning("took %d s", 3)
    (line,) = lines.read()
    assert (line["event"], line["logger"], line["level"]) == ("took 3 s", "vendor", "warning")
    assert line["service"] == "gateway"


@pytest.mark.parametrize("logger", [structlog.get_logger, logging.getLogger])
def test_exception_is_one_line_with_its_traceback(lines: Lines, logger: Any) -> None:
    try:
        raise ValueError("three\nlines\nlong")
    except ValueError:
        logger().exception("work.failed")
    (line,) = lines.read()
    assert line["event"] == "work.failed"
    assert "ValueError: three" in line["exception"]


def test_values_that_json_has_not_are_written_as_text(lines: Lines) -> None:
    structlog.get_logger().info("odd.value", value={1, 2}, path=logging)
    assert lines.read()[0]["value"] in ("{1, 2}", "{2, 1}")


def test_words_that_are_no_unicode_do_not_lose_the_line(lines: Lines) -> None:
    structlog.get_logger().info("odd.text", value="a\udc80b")
    assert lines.read()[0]["event"] == "odd.text"


def test_numbers_beyond_json_do_not_lose_the_line(lines: Lines) -> None:
    structlog.get_logger().info("odd.number", value=1 << 70, other={1: 2})
    assert lines.read()[0]["event"] == "odd.number"


def test_bound_context_stands_on_every_line(lines: Lines) -> None:
    with structlog.contextvars.bound_contextvars(request_id="r-1"):
        structlog.get_logger().info("one")
        logging.getLogger("vendor").warning("two")
    assert [line["request_id"] for line in lines.read()] == ["r-1", "r-1"]


@pytest.mark.parametrize(
    ("level", "events"), [("debug", ["d", "i", "w"]), ("info", ["i", "w"]), ("warning", ["w"])]
)
def test_level_of_the_configuration_is_kept(
    settings: ServiceSettings, level: Any, events: list[str]
) -> None:
    config = FleetConfig(logging=LoggingConfig(level=level, stdout=False))
    sink = configure_logging(replace(settings, config=config))
    log = structlog.get_logger()
    log.debug("d")
    log.info("i")
    log.warning("w")
    sink.close()
    assert [line["event"] for line in Lines(settings).read()] == events


def test_vendors_chatter_per_request_is_left_out(lines: Lines) -> None:
    for name in ("uvicorn.access", "httpx"):
        logging.getLogger(name).info("GET /")
    assert lines.read() == []
