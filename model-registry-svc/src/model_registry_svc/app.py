"""Composition root of the registry's service: the only file of it that names adapters."""

import asyncio
from functools import partial

import httpx2 as httpx

from fleetserve.app import create_app, wrap_control
from fleetserve.asgi import App
from fleetserve.errors import UnavailableError
from fleetserve.health import Check
from fleetserve.jobs.ledger.redis import RedisLedger
from fleetserve.keys import Keys
from fleetserve.redis_client import make_sync_redis
from fleetserve.runtime import ServiceRuntime
from fleetserve_celery.queue import PRODUCER_TIMEOUT_S, CeleryQueue, make_celery
from model_registry_svc import dashboard
from model_registry_svc.api.downloads import router as downloads_router
from model_registry_svc.api.manage import router as manage_router
from model_registry_svc.api.models import router as models_router
from model_registry_svc.api.tunings import router as tunings_router
from model_registry_svc.api.voices import router as voices_router
from model_registry_svc.background import RecordKeeper, fetch_at_start
from model_registry_svc.catalogue import load_catalogue
from model_registry_svc.disk import MIB
from model_registry_svc.downloads import DownloadPolicy, Downloads
from model_registry_svc.fleet_calls.base import FleetCalls
from model_registry_svc.fleet_calls.http import HttpFleetCalls
from model_registry_svc.library import Library
from model_registry_svc.loading import ReplicaLoader
from model_registry_svc.managing import Manager
from model_registry_svc.placing import Placing
from model_registry_svc.planner import Planner
from model_registry_svc.policies import PolicyBook
from model_registry_svc.records import RecordBook
from model_registry_svc.replicas import ReplicaBoard
from model_registry_svc.request_counts import RequestCounts
from model_registry_svc.revisions import Revisions
from model_registry_svc.services import RegistryServices
from model_registry_svc.settings import QUEUE, RegistrySettings
from model_registry_svc.sources import build_sources
from model_registry_svc.tracking import Tracker
from model_registry_svc.tunings import TuningBook
from model_registry_svc.voices import VoiceBook
from model_registry_svc.worker_presence import WorkerPresence

REPLICA_CALL_TIMEOUT_S = 10.0


def build_app(settings: RegistrySettings, runtime: ServiceRuntime) -> App:
    """The registry's ASGI app, with its background work on the runtime.

    Raises: SettingsError: models.json is wrong.
    """
    fleet_calls = HttpFleetCalls(runtime.signer)
    services, queue = build_services(settings, runtime, fleet_calls)
    keeper = RecordKeeper(services.records, services.library, queue, runtime.clock)
    runtime.readiness.append(lambda: None if keeper.kept else "the models' records are not read")
    runtime.background.append(keeper.run)
    runtime.background.append(
        partial(fetch_at_start, services.downloads, services.catalogue, runtime.clock)
    )
    runtime.on_shutdown.append(services.loader.close)
    runtime.on_shutdown.append(partial(asyncio.to_thread, fleet_calls.close))
    runtime.tables += dashboard.tables(services.records, services.presence)
    app = create_app(
        runtime,
        title="Fleetserve model registry",
        routers=[models_router, manage_router, downloads_router, tunings_router, voices_router],
        checks={"download_worker": _worker_check(services.presence)},
    )
    app.state.services = services
    return wrap_control(app)


def build_services(
    settings: RegistrySettings, runtime: ServiceRuntime, fleet_calls: FleetCalls
) -> tuple[RegistryServices, CeleryQueue]:
    """Puts the real adapters together; connects to nothing yet."""
    service, clock = settings.service, runtime.clock
    models = service.config.models
    client, keys = make_sync_redis(service.redis_url), Keys(service.key_prefix)
    celery = make_celery(service.redis_url, keys, QUEUE, timeout_s=PRODUCER_TIMEOUT_S)
    queue = CeleryQueue(RedisLedger(client, settings.job_keys), celery)
    library, board = Library(service.models_dir), ReplicaBoard(client, keys)
    records, catalogue = RecordBook(client, keys), load_catalogue(service.catalogue_path)
    tracker = Tracker(queue, library, clock)
    downloads = Downloads(
        Planner(build_sources(settings, clock)),
        queue,
        records,
        library,
        board,
        catalogue,
        DownloadPolicy(
            allow_pickle=models.allow_pickle,
            keep_free_bytes=models.min_free_mib * MIB,
            use_mirrors=not models.hf_endpoint,
        ),
    )
    calls = httpx.AsyncClient(timeout=REPLICA_CALL_TIMEOUT_S)
    policies, placing = PolicyBook(client, keys), Placing(board, fleet_calls, clock)
    revisions = Revisions(downloads, library, records)
    services = RegistryServices(
        downloads=downloads,
        tracker=tracker,
        library=library,
        records=records,
        board=board,
        catalogue=catalogue,
        counts=RequestCounts(),
        presence=WorkerPresence(client, settings.job_keys),
        loader=ReplicaLoader(tracker, library, board, runtime.signer, calls),
        policies=policies,
        manager=Manager(library, records, policies, board, placing, revisions, tracker),
        tunings=TuningBook(library),
        voices=VoiceBook(library, clock),
        clock=clock,
    )
    return services, queue


def _worker_check(presence: WorkerPresence) -> Check:
    async def check() -> str:
        workers = await asyncio.to_thread(presence.workers)
        if not workers:
            raise UnavailableError("no download worker is running; downloads wait for one")
        active = sum(worker.active for worker in workers.values())
        return f"{len(workers)} running, {active} jobs at work"

    return check
