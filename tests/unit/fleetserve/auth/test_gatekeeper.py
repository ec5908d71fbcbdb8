import pytest

from fleetserve.auth.api_keys import KeyRecord, digest, new_key
from fleetserve.auth.gatekeeper import Gatekeeper
from fleetserve.auth.lease_keeper import LeaseKeeper
from fleetserve.auth.principals import PrincipalKind
from fleetserve.auth.quota.base import Limit
from fleetserve.auth.quota.memory import MemoryQuotaStore
from fleetserve.auth.rate_limit import RateLimiter
from fleetserve.auth.revocations import RevocationList
from fleetserve.auth.scopes import ROUTES, RouteScopes, Scope
from fleetserve.auth.source.memory import MemoryAuthSource
from fleetserve.auth.verifier import AuthVerifier
from fleetserve.clock import ManualClock
from fleetserve.errors import (
    FleetError,
    ForbiddenError,
    TooManyRequestsError,
    UnauthorizedError,
    UnavailableError,
)
from tests.unit.fleetserve.auth.signed import Signer, claims
from tests.unit.fleetserve.auth.test_scopes import example_of

SIGNER = Signer()
BEARER = b"Bearer " + SIGNER.token(claims()).encode()
HOME = "10.0.0.1"


class Gate:
    def __init__(self, *, enabled: bool = True, per_minute: int = 1000) -> None:
        clock = ManualClock(1000)
        self.source = MemoryAuthSource()
        self.source.jwks = [SIGNER.jwk]
        limits = {name: Limit(per_minute, 60.0) for name in ("user", "key", "address", "login")}
        self.limiter = RateLimiter(limits)
        leases = LeaseKeeper(self.limiter, MemoryQuotaStore(clock), MemoryQuotaStore(clock), clock)
        verifier = AuthVerifier(self.source, RevocationList(clock), clock)
        self.keeper = Gatekeeper(RouteScopes(), verifier, leases, enabled=enabled)

    def give_key(self, *scopes: Scope) -> bytes:
        key = new_key()
        self.source.keys[digest(key)] = KeyRecord("k1", "ada", "u1", 1, scopes, 1e9)
        return key.encode()

    async def failure(self, method: str, path: str, authorization: bytes | None) -> FleetError:
        with pytest.raises(FleetError) as caught:
            await self.keeper.admit(method, path, HOME, authorization=authorization)
        return caught.value


@pytest.fixture
def gate() -> Gate:
    return Gate()


async def test_user_with_the_scope_comes_in_with_headers(gate: Gate) -> None:
    admission = await gate.keeper.admit("POST", "/predict", HOME, authorization=BEARER)
    assert admission.principal.name == "user:ada"
    assert admission.decision is not None
    assert admission.decision.remaining == 999


async def test_each_kind_of_credential_is_taken(gate: Gate) -> None:
    key = gate.give_key(Scope.PREDICT)
    bearer = b"Bearer " + key
    admission = await gate.keeper.admit("POST", "/predict", HOME, api_key=key)
    assert admission.principal.kind is PrincipalKind.KEY
    admission = await gate.keeper.admit("POST", "/predict", HOME, authorization=bearer)
    assert admission.principal.kind is PrincipalKind.KEY
    admission = await gate.keeper.admit("POST", "/predict", HOME, token=key.decode())
    assert admission.principal.name == "key:k1"


@pytest.mark.parametrize(("method", "path", "access"), ROUTES, ids=lambda v: str(v)[:40])
async def test_each_route_is_refused_without_its_scope(
    gate: Gate, method: str, path: str, access: object
) -> None:
    opened = RouteScopes().access(method, example_of(path))
    nobody = gate.keeper.admit(method, example_of(path), HOME)
    unscoped = gate.keeper.admit(method, example_of(path), HOME, api_key=gate.give_key())
    if opened.open:
        await nobody
        await unscoped
        return
    with pytest.raises(UnauthorizedError):
        await nobody
    if not opened.any_of:
        await unscoped
        return
    with pytest.raises(ForbiddenError):
        await unscoped
    for scope in opened.any_of:
        key = gate.give_key(scope)
        await gate.keeper.admit(method, example_of(path), HOME, api_key=key)


async def test_unlisted_route_is_for_admins(gate: Gate) -> None:
    assert isinstance(await gate.failure("GET", "/brand-new", None), UnauthorizedError)
    assert isinstance(await gate.failure("GET", "/brand-new", BEARER), ForbiddenError)
    key = gate.give_key(Scope.ADMIN)
    await gate.keeper.admit("GET", "/brand-new", HOME, api_key=key)


async def test_open_route_does_not_look_at_the_credential(gate: Gate) -> None:
    for authorization in (b"Bearer nonsense", b"Basic x"):
        admission = await gate.keeper.admit("GET", "/", HOME, authorization=authorization)
        assert admission.principal.kind is PrincipalKind.ADDRESS
    assert gate.source.asked_jwks == 0


async def test_probes_are_never_counted(gate: Gate) -> None:
    for _ in range(2000):
        assert (await gate.keeper.admit("GET", "/health/live", HOME)).decision is None
    assert len(gate.limiter) == 0


async def test_logins_are_counted_by_address_apart() -> None:
    gate = Gate(per_minute=2)
    await gate.keeper.admit("POST", "/auth/login", HOME)
    assert [limit for limit, _ in gate.limiter._accounts] == ["login"]
    await gate.keeper.admit("POST", "/auth/login", "10.0.0.2")
    assert len(gate.limiter) == 2


async def test_guessing_costs_the_guessers_quota_and_then_nobodys_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("fleetserve.auth.lease_keeper.WAIT_S", 0.01)
    gate = Gate(per_minute=20)
    failures = []
    for _ in range(6):
        guess = b"Bearer " + new_key().encode()
        failures.append(await gate.failure("POST", "/predict", guess))
    asked = gate.source.asked_keys
    assert isinstance(failures[0], UnauthorizedError)
    assert isinstance(failures[-1], TooManyRequestsError)
    assert asked < 6
    admission = await gate.keeper.admit("POST", "/predict", "10.0.0.9", authorization=BEARER)
    assert admission.principal.owner == "ada"


async def test_credential_that_is_known_is_not_counted_by_address(gate: Gate) -> None:
    for _ in range(3):
        await gate.keeper.admit("POST", "/predict", HOME, authorization=BEARER)
    accounts = {limit: account.balance for (limit, _), account in gate.limiter._accounts.items()}
    assert accounts == {"address": -1, "user": -3}


async def test_auth_svc_away_is_a_503_for_who_is_not_known(gate: Gate) -> None:
    gate.source.away = True
    assert isinstance(await gate.failure("POST", "/predict", BEARER), UnavailableError)


async def test_while_auth_is_off_everybody_comes_in_uncounted() -> None:
    gate = Gate(enabled=False, per_minute=1)
    for _ in range(10):
        admission = await gate.keeper.admit(
            "DELETE", "/logs/x", HOME, authorization=b"Basic nonsense"
        )
        assert admission.decision is None
    assert gate.source.asked_jwks == 0
