"""What the routes work with, built once in app.py."""

from dataclasses import dataclass

from auth_svc.accounts import Accounts
from auth_svc.callers import Callers
from auth_svc.key_ring import KeyRing
from auth_svc.sign_in import SignIn
from auth_svc.signing_keys import SigningKeys
from fleetserve.auth.config import AuthConfig
from fleetserve.clock import Clock


@dataclass(frozen=True, slots=True)
class AuthServices:
    """Args: auth_enabled: ENABLE_AUTH; while it is off, whoever can call may register."""

    sign_in: SignIn
    accounts: Accounts
    key_ring: KeyRing
    callers: Callers
    signing_keys: SigningKeys
    config: AuthConfig
    clock: Clock
    auth_enabled: bool
