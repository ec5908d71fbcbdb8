"""Puts together who may come in, from auth.yaml and what auth-svc says."""

import asyncio
from dataclasses import dataclass

from fleetserve.audit_log import AuditLog
from fleetserve.auth.config import AuthConfig
from fleetserve.auth.cors import CorsPolicy
from fleetserve.auth.gatekeeper import Gatekeeper
from fleetserve.auth.lease_keeper import LeaseKeeper
from fleetserve.auth.quota.base import Limit
from fleetserve.auth.quota.memory import MemoryQuotaStore
from fleetserve.auth.quota.redis import RedisQuotaStore
from fleetserve.auth.rate_limit import RateLimiter
from fleetserve.auth.redis_keys import AuthKeys
from fleetserve.auth.revocation_follower import RevocationFollower
from fleetserve.auth.revocations import RevocationList
from fleetserve.auth.scopes import RouteScopes
from fleetserve.auth.security_headers import AllowedHosts
from fleetserve.auth.source.service import ServiceAuthSource
from fleetserve.auth.verifier import AuthVerifier
from fleetserve.errors import UnavailableError
from fleetserve.request_log import RequestLog
from fleetserve.runtime import ServiceRuntime
from fleetserve.settings import ServiceSettings
from gateway.entrance import Entrance
from gateway.refusals import Refusals
from gateway.replica_table import ReplicaTable
from gateway.service_calls import ServiceCalls

AUTH_SERVICE = "auth-svc"
TIMEOUT_S = 0.5


@dataclass(frozen=True, slots=True)
class Access:
    """The entrance, and what tells why its knowledge may be old (None: it is not)."""

    entrance: Entrance
    revocations: RevocationFollower


def make_access(
    runtime: ServiceRuntime,
    config: AuthConfig,
    table: ReplicaTable,
    calls: ServiceCalls,
    audit: AuditLog,
    late: frozenset[str],
) -> Access:
    """The real thing; its loops run only while auth is on."""
    security = runtime.settings.config.security
    clock, keys = runtime.clock, AuthKeys(runtime.settings.key_prefix)
    known = RevocationList(clock)
    follower = RevocationFollower(runtime.redis, keys, known, clock)
    limits = config.rate_limits
    per_class = {n: Limit(count, limits.per_s) for n, count in limits.per_class().items()}
    leases = LeaseKeeper(
        RateLimiter(per_class if limits.enabled else {}),
        RedisQuotaStore(runtime.redis, keys, clock),
        MemoryQuotaStore(clock, share=lambda: 1 / max(1, len(table.ready("gateway")))),
        clock,
    )
    verifier = AuthVerifier(ServiceAuthSource(_Asker(table, calls)), known, clock)
    gate = Gatekeeper(RouteScopes(), verifier, leases, enabled=security.enable_auth)
    if security.enable_auth:
        runtime.background += [follower.run, leases.run]
    settings = runtime.settings
    request_log = RequestLog(runtime.sink, settings.service, settings.replica_id, clock)
    entrance = Entrance(
        AllowedHosts(_hosts(settings)),
        CorsPolicy(config.cors.origins, config.cors.max_age_s),
        gate,
        audit,
        Refusals(request_log, runtime.metrics, clock),
        late=late,
        enabled=security.enable_auth,
    )
    return Access(entrance, follower)


def _hosts(settings: ServiceSettings) -> tuple[str, ...]:
    """Host headers that are taken.

    The list keeps web pages from driving an open fleet on loopback. Where every call needs a
    credential, or the fleet was opened on purpose, its names can't be known here, so that only
    a list of the operator's own counts.
    """
    security = settings.config.security
    chosen = "security.allowed_hosts" in settings.sources
    if (security.enable_auth or security.allow_open) and not chosen:
        return ("*",)
    return security.allowed_hosts


class _Asker:
    """Asks any ready process of auth-svc; one that has just died is not asked alone."""

    def __init__(self, table: ReplicaTable, calls: ServiceCalls) -> None:
        self._table = table
        self._calls = calls

    async def __call__(self, path: str) -> tuple[int, bytes]:
        ready = self._table.ready(AUTH_SERVICE)
        for replica in ready:
            try:
                return await self._calls.get(replica, path, TIMEOUT_S)
            except UnavailableError:
                await asyncio.sleep(0)
        raise UnavailableError(f"{AUTH_SERVICE} is not ready", code="auth_unavailable")
