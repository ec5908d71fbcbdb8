"""structlog as JSON to stdout and to a rotating file, the standard library's logs with it."""

import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from fleetserve.log_file import LogFile, LogSink
from fleetserve.settings import ServiceSettings

_QUIET = {"uvicorn.access": logging.WARNING, "httpx": logging.WARNING}


class _SinkLogger:
    """The last stage of structlog: one method per level, all the same."""

    def __init__(self, sink: LogSink) -> None:
        self._sink = sink

    def msg(self, line: bytes) -> None:
        self._sink.write(line)

    debug = info = warning = error = critical = exception = log = msg


class _StdlibHandler(logging.Handler):
    """Puts records of the standard library through the same processors."""

    def __init__(self, sink: LogSink, processors: list[Processor]) -> None:
        super().__init__()
        self._sink = sink
        self._processors = processors

    def emit(self, record: logging.LogRecord) -> None:
        try:
            event: Any = {"event": record.getMessage(), "logger": record.name}
            if record.exc_info:
                event["exc_info"] = record.exc_info
            for process in self._processors:
                event = process(None, record.levelname.lower(), event)
            self._sink.write(event)
        except Exception:  # noqa: BLE001 - a log line must never take its caller down
            self.handleError(record)


def _stamp(_: WrappedLogger, method: str, event: EventDict) -> EventDict:
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    return {"ts": now, "level": method, **event}


def _render(_: WrappedLogger, __: str, event: EventDict) -> bytes:
    try:
        return orjson.dumps(event, default=str, option=orjson.OPT_APPEND_NEWLINE)
    except TypeError:  # no UTF-8, a number beyond 64 bits: such a line must not cost its caller
        text = json.dumps({str(k): str(v) for k, v in event.items()}, ensure_ascii=False)
        return text.encode("utf-8", "replace") + b"\n"


def _constant(**fields: str) -> Callable[[WrappedLogger, str, EventDict], EventDict]:
    def add(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        return {**event, **fields}

    return add


def configure_logging(settings: ServiceSettings) -> LogSink:
    """Sets up structlog and logging for this process; returns the sink for request lines."""
    config = settings.config.logging
    name = settings.service
    # By process, not by service: two replicas rotating one file would lose each other's lines.
    file = LogFile(
        settings.logs_dir,
        settings.replica_id,
        max_bytes=config.file_mib * 1024 * 1024,
        keep=config.files,
    )
    sink = LogSink(file, stdout=config.stdout)
    level = logging.getLevelNamesMapping()[config.level.upper()]
    processors: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        _stamp,
        _constant(service=name, replica=settings.replica_id),
        structlog.processors.ExceptionRenderer(),
        _render,
    ]
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: _SinkLogger(sink),
        # Request lines don't come this way, so the few µs don't count; a cached logger would
        # hold on to the first sink of a process that configures logging again.
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers[:] = [_StdlibHandler(sink, processors)]
    root.setLevel(max(level, logging.INFO))
    for logger, floor in _QUIET.items():
        logging.getLogger(logger).setLevel(max(level, floor))
    return sink
