"""Entrances for tests: the real one, around a memory of who is who."""

from collections.abc import Mapping
from pathlib import Path

from prometheus_client import CollectorRegistry

from fleetserve.audit_log import AuditLog
from fleetserve.auth.cors import CorsPolicy
from fleetserve.auth.gatekeeper import Gatekeeper
from fleetserve.auth.lease_keeper import LeaseKeeper
from fleetserve.auth.quota.base import Limit
from fleetserve.auth.quota.memory import MemoryQuotaStore
from fleetserve.auth.rate_limit import RateLimiter
from fleetserve.auth.revocations import RevocationList
from fleetserve.auth.scopes import RouteScopes
from fleetserve.auth.security_headers import AllowedHosts
from fleetserve.auth.source.memory import MemoryAuthSource
from fleetserve.auth.verifier import AuthVerifier
from fleetserve.clock import Clock
from fleetserve.log_file import LogSink
from fleetserve.metrics.requests import RequestMetrics
from fleetserve.request_log import RequestLog
from gateway.entrance import Entrance
from gateway.refusals import Refusals

LOCAL = ("localhost", "127.0.0.1", "[::1]")


def make_entrance(
    folder: Path,
    clock: Clock,
    *,
    hosts: tuple[str, ...] = LOCAL,
    origins: tuple[str, ...] = (),
    enabled: bool = False,
    source: MemoryAuthSource | None = None,
    limits: Mapping[str, Limit] | None = None,
) -> tuple[Entrance, AuditLog]:
    """The audit log beside it is the caller's to close."""
    audit = AuditLog(folder, clock)
    metrics = RequestMetrics("gateway", "g1", CollectorRegistry())
    log = RequestLog(LogSink(None, stdout=False), "gateway", "g1", clock)
    store = MemoryQuotaStore(clock)
    leases = LeaseKeeper(RateLimiter(limits or {}), store, store, clock)
    verifier = AuthVerifier(source or MemoryAuthSource(), RevocationList(clock), clock)
    gate = Gatekeeper(RouteScopes(), verifier, leases, enabled=enabled)
    entrance = Entrance(
        AllowedHosts(hosts),
        CorsPolicy(origins, 600),
        gate,
        audit,
        Refusals(log, metrics, clock),
        late=frozenset({"/predict"}),
        enabled=enabled,
    )
    return entrance, audit
