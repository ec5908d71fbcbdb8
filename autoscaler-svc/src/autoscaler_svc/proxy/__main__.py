"""``python -m autoscaler_svc.proxy``."""

import logging
import sys

import orjson
import structlog
import uvicorn

from autoscaler_svc.proxy.app import EngineProxy
from autoscaler_svc.proxy.engine.socket import SocketEngine
from autoscaler_svc.proxy.project import Project
from autoscaler_svc.proxy.settings import ProxySettings, load_settings
from fleetserve.config_sources import SettingsError


def build(settings: ProxySettings) -> EngineProxy:
    engine = SocketEngine(settings.socket)
    return EngineProxy(engine, Project(engine, settings.project))


def configure_logging(level: str) -> None:
    """JSON to stdout alone: this process may write to no volume."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", key="ts"),
            structlog.processors.ExceptionRenderer(),
            structlog.processors.JSONRenderer(serializer=orjson.dumps),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[level.upper()]
        ),
        logger_factory=structlog.BytesLoggerFactory(),
    )


def main() -> None:
    try:
        settings = load_settings()
    except SettingsError as exc:
        sys.exit(str(exc))
    configure_logging(settings.log_level)
    structlog.get_logger(__name__).info(
        "proxy.started", project=settings.project, address=f"{settings.host}:{settings.port}"
    )
    uvicorn.run(
        build(settings),
        host=settings.host,
        port=settings.port,
        http="httptools",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        limit_concurrency=64,
        timeout_graceful_shutdown=90,
    )


if __name__ == "__main__":
    main()
