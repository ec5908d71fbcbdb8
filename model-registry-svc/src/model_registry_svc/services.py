"""What the routes call; built once in app.py and kept on the app's state."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from fleetserve.clock import Clock
from model_registry_svc.catalogue import Catalogue
from model_registry_svc.downloads import Downloads
from model_registry_svc.library import Library
from model_registry_svc.loading import ReplicaLoader
from model_registry_svc.managing import Manager
from model_registry_svc.policies import PolicyBook
from model_registry_svc.records import RecordBook
from model_registry_svc.replicas import ReplicaBoard
from model_registry_svc.request_counts import RequestCounts
from model_registry_svc.tracking import Tracker
from model_registry_svc.tunings import TuningBook
from model_registry_svc.voices import VoiceBook
from model_registry_svc.worker_presence import WorkerPresence


@dataclass(frozen=True, slots=True)
class RegistryServices:
    downloads: Downloads
    tracker: Tracker
    library: Library
    records: RecordBook
    board: ReplicaBoard
    catalogue: Catalogue
    counts: RequestCounts
    presence: WorkerPresence
    loader: ReplicaLoader
    policies: PolicyBook
    manager: Manager
    tunings: TuningBook
    voices: VoiceBook
    clock: Clock


async def _services_of(request: Request) -> RegistryServices:
    services: RegistryServices = request.app.state.services
    return services


Services = Annotated[RegistryServices, Depends(_services_of)]
