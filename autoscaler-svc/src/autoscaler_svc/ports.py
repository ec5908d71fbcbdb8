"""The ports that an autoscaler is made over, chosen in app.py."""

from dataclasses import dataclass

from autoscaler_svc.fleet.base import FleetView
from autoscaler_svc.intents.base import Intents
from autoscaler_svc.journal.base import Journal
from autoscaler_svc.lease.base import Lease
from autoscaler_svc.machine.base import Machine
from autoscaler_svc.orchestrator.base import Orchestrator
from autoscaler_svc.replica_calls.base import ReplicaCalls


@dataclass(frozen=True, slots=True)
class Ports:
    fleet: FleetView
    orchestrator: Orchestrator
    intents: Intents
    journal: Journal
    lease: Lease
    machine: Machine
    calls: ReplicaCalls
