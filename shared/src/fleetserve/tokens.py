"""Service-to-service tokens: a short-lived HMAC over {caller, audience, expiry}.

There is one secret per allowed pair of caller and audience. A service's folder holds the
secrets it signs with and those it checks with, and no others, so that a service that is taken
over can't speak as another.
"""

import base64
import hmac
import re
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from secrets import token_hex

import orjson

from fleetserve.clock import Clock
from fleetserve.errors import UnauthorizedError

TOKEN_HEADER = "x-fleet-token"  # noqa: S105 - a header's name
LIFETIME_S = 60
_SANE_TOKEN = re.compile(r"[a-z0-9-]{1,64}\.[0-9]{1,12}\.[A-Za-z0-9_=-]{1,64}")
RENEW_BEFORE_S = 20

# Who may call whom. Anything else is refused, whatever it signs with.
CALLS: dict[str, tuple[str, ...]] = {
    "gateway": (
        "inference-svc",
        "audio-svc",
        "model-registry-svc",
        "gpu-svc",
        "autoscaler-svc",
        "auth-svc",
    ),
    "jobs-worker": ("inference-svc", "audio-svc"),
    "autoscaler-svc": ("inference-svc", "audio-svc", "gpu-svc", "model-registry-svc"),
    "model-registry-svc": ("inference-svc", "audio-svc", "autoscaler-svc"),
    "model-registry-worker": ("model-registry-svc", "inference-svc", "audio-svc"),
    "inference-svc": ("model-registry-svc",),
    "audio-svc": ("model-registry-svc",),
}


def make_secrets(secrets_dir: Path, services: Iterable[str]) -> None:
    """Makes each service's folder of pair secrets; what is there already is kept.

    Files are mode 0600 in folders of mode 0700: ``<service>/calls.json`` (audience → secret)
    and ``<service>/callers.json`` (caller → secret).
    """
    names = list(services)
    pairs = [(c, a) for c in names for a in CALLS.get(c, ()) if a in names]
    calls = {name: _read(secrets_dir / name / "calls.json") for name in names}
    callers: dict[str, dict[str, str]] = {name: {} for name in names}
    for caller, audience in pairs:
        secret = calls[caller].setdefault(audience, token_hex(32))
        callers[audience][caller] = secret
    for name in names:
        folder = secrets_dir / name
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(folder / "calls.json", calls[name])
        _write(folder / "callers.json", callers[name])


def _read(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    loaded: dict[str, str] = orjson.loads(path.read_bytes())
    return loaded


def _write(path: Path, secrets: dict[str, str]) -> None:
    content = orjson.dumps(secrets, option=orjson.OPT_SORT_KEYS)
    if path.is_file() and path.read_bytes() == content:
        return
    draft = path.with_suffix(".new")
    draft.touch(mode=0o600)
    draft.write_bytes(content)
    draft.replace(path)


def _mac(secret: str, caller: str, audience: str, expires_at: int) -> str:
    message = f"{caller}|{audience}|{expires_at}".encode()
    return base64.urlsafe_b64encode(hmac.digest(secret.encode(), message, sha256)).decode()


class TokenSigner:
    """Makes the tokens of one caller; a token is reused until shortly before its end."""

    def __init__(self, secrets_dir: Path, caller: str, clock: Clock) -> None:
        self._caller = caller
        self._clock = clock
        self._secrets = _read(secrets_dir / caller / "calls.json")
        self._cached: dict[str, tuple[float, str]] = {}

    def token_for(self, audience: str) -> str:
        """A token that ``audience`` accepts now.

        Raises: KeyError: this caller has no business with that audience.
        """
        cached = self._cached.get(audience)
        now_s = self._clock.monotonic_s()
        if cached is not None and cached[0] > now_s:
            return cached[1]
        expires_at = int(self._clock.now_s()) + LIFETIME_S
        mac = _mac(self._secrets[audience], self._caller, audience, expires_at)
        token = f"{self._caller}.{expires_at}.{mac}"
        self._cached[audience] = (now_s + LIFETIME_S - RENEW_BEFORE_S, token)
        return token


class TokenVerifier:
    """Checks tokens addressed to one service. Checked ones are remembered until they expire."""

    def __init__(self, secrets_dir: Path, audience: str, clock: Clock) -> None:
        self._audience = audience
        self._clock = clock
        self._secrets = _read(secrets_dir / audience / "callers.json")
        self._known: dict[str, tuple[int, str]] = {}

    def check(self, token: str | None) -> str:
        """The caller's name.

        Raises: UnauthorizedError: missing, malformed, expired, forged or of a wrong caller.
        """
        known = self._known.get(token or "")
        if known is not None and known[0] > self._clock.now_s():
            return known[1]
        caller, expires_at = self._verify(token)
        if len(self._known) > 256:
            self._known.clear()
        self._known[token or ""] = (expires_at, caller)
        return caller

    def _verify(self, token: str | None) -> tuple[str, int]:
        if token is None or not _SANE_TOKEN.fullmatch(token):
            raise UnauthorizedError(
                f"{self._audience} answers only the fleet's own services; call the gateway.",
                code="service_token_required",
            )
        caller, expires, mac = token.split(".")
        expires_at = int(expires)
        secret = self._secrets.get(caller)
        if secret is None or not hmac.compare_digest(
            mac, _mac(secret, caller, self._audience, expires_at)
        ):
            raise UnauthorizedError(
                f"The service token does not hold for {self._audience}.",
                code="service_token_wrong",
            )
        if expires_at <= self._clock.now_s():
            raise UnauthorizedError(
                "The service token has expired; are the clocks apart?",
                code="service_token_expired",
            )
        return caller, expires_at
