"""Resolving in the worker, where there is time to wait for a busy source."""

import random

import structlog

from model_registry_svc.backoff import Backoff
from model_registry_svc.plan import DownloadPlan, DownloadRequest
from model_registry_svc.planner import Planner
from model_registry_svc.progress import DownloadProgress
from model_registry_svc.source.base import SourceBusyError
from model_registry_svc.transfer import Watch

log = structlog.get_logger(__name__)


def resolve_patiently(
    planner: Planner, request: DownloadRequest, watch: Watch, progress: DownloadProgress
) -> DownloadPlan:
    """The plan, tried again while the source is busy.

    Raises: SourceBusyError: it stayed so; else what Planner.plan raises.
    """
    backoff = Backoff(random.random)
    while True:
        watch.check()
        try:
            return planner.plan(request)
        except SourceBusyError as exc:
            delay_s = backoff.next_delay_s(exc.retry_after_s)
            if delay_s is None:
                raise
            log.warning("download.waiting", model=request.name, reason=exc.detail)
            progress.say(f"{exc.detail} Trying again in {delay_s:.0f} s.")
            watch.pause(delay_s)
