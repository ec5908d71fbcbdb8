"""Composition root of auth-svc: the only file that names concrete adapters."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from fastapi import FastAPI
from sqlalchemy import Engine, text
from sqlalchemy.exc import InterfaceError, OperationalError

from auth_svc.accounts import Accounts
from auth_svc.api.account import account_router
from auth_svc.api.api_keys import api_keys_router
from auth_svc.api.internal import internal_router
from auth_svc.api.sign_in import sign_in_router
from auth_svc.api.users import users_router
from auth_svc.attempts.base import AttemptStore
from auth_svc.attempts.sql import SqlAttemptStore
from auth_svc.callers import Callers
from auth_svc.database.database import Database
from auth_svc.database.engine import make_engine, make_sqlite_engine
from auth_svc.database.migrate import migrate
from auth_svc.feed.base import RevocationFeed
from auth_svc.feed.redis import RedisRevocationFeed
from auth_svc.first_admin import USERNAME, FirstAdmin
from auth_svc.key_ring import KeyRing
from auth_svc.keys.base import KeyStore
from auth_svc.keys.sql import SqlKeyStore
from auth_svc.passwords import PasswordHashes
from auth_svc.revocations.base import RevocationStore
from auth_svc.revocations.sql import SqlRevocationStore
from auth_svc.revoker import Revoker
from auth_svc.services import AuthServices
from auth_svc.sessions.base import SessionStore
from auth_svc.sessions.sql import SqlSessionStore
from auth_svc.settings import AuthSettings
from auth_svc.sign_in import SignIn, SignInParts, attempt_name
from auth_svc.signing_keys import SigningKeys
from auth_svc.tally import Tally
from auth_svc.token_maker import TokenMaker
from auth_svc.upkeep import Upkeep
from auth_svc.user_changes import UserChanges
from auth_svc.users.base import UserStore
from auth_svc.users.sql import SqlUserStore
from fleetserve.app import create_app, wrap_control
from fleetserve.asgi import App
from fleetserve.auth.redis_keys import AuthKeys
from fleetserve.clock import SystemClock
from fleetserve.config_sections import SettingsError
from fleetserve.dashboard.view import Table
from fleetserve.health import Check
from fleetserve.redis_client import make_sync_redis
from fleetserve.runtime import ServiceRuntime, make_runtime


@dataclass(frozen=True, slots=True)
class Stores:
    """Where everything is kept."""

    users: UserStore
    sessions: SessionStore
    keys: KeyStore
    attempts: AttemptStore
    revocations: RevocationStore
    feed: RevocationFeed


def build(settings: AuthSettings) -> tuple[App, ServiceRuntime]:
    """The service's ASGI app and its runtime; the database is migrated, an admin is there."""
    runtime = make_runtime(settings.service)
    engine = open_database(settings)
    client = make_sync_redis(settings.service.redis_url)
    keys = AuthKeys(settings.service.key_prefix)
    stores = sql_stores(engine, RedisRevocationFeed(client, keys))

    async def close() -> None:
        engine.dispose()
        client.close()

    runtime.on_shutdown.append(close)
    app = control_app(runtime, settings, stores, {"database": database_check(engine)})
    return wrap_control(app), runtime


def reset_admin(settings: AuthSettings) -> Path:
    """The way back in: the user ``admin`` gets a new password, in the file that is returned.

    The service may be running meanwhile.
    """
    clock = SystemClock()
    client = make_sync_redis(settings.service.redis_url)
    feed = RedisRevocationFeed(client, AuthKeys(settings.service.key_prefix))
    stores = sql_stores(open_database(settings), feed)
    first_admin = FirstAdmin(settings.folder, stores.users, PasswordHashes())
    revoker = Revoker(
        stores.revocations, feed, clock, token_s=settings.auth.tokens.access_minutes * 60.0
    )
    changes = UserChanges(stores.users, stores.sessions, stores.keys, revoker)
    first_admin.reset(clock, changes)
    stores.attempts.clear(attempt_name(USERNAME))
    client.close()
    return first_admin.path


def open_database(settings: AuthSettings) -> Engine:
    """The database, its schema up to date.

    Raises: SettingsError: it can't be reached.
    """
    settings.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    url = settings.database_url
    engine = make_engine(url) if url else make_sqlite_engine(settings.folder / "auth.db")
    try:
        migrate(engine)
    except (OperationalError, InterfaceError) as exc:
        where = engine.url.render_as_string(hide_password=True)
        raise SettingsError(f"The database {where} does not answer: {exc.orig}") from None
    return engine


def sql_stores(engine: Engine, feed: RevocationFeed) -> Stores:
    database = Database(engine)
    return Stores(
        users=SqlUserStore(database),
        sessions=SqlSessionStore(database),
        keys=SqlKeyStore(database),
        attempts=SqlAttemptStore(database),
        revocations=SqlRevocationStore(database),
        feed=feed,
    )


def control_app(
    runtime: ServiceRuntime,
    settings: AuthSettings,
    stores: Stores,
    checks: dict[str, Check] | None = None,
    hashes: PasswordHashes | None = None,
) -> FastAPI:
    """The service around given stores, without the layer of tokens."""
    tally = Tally()
    services, upkeep = _compose(runtime, settings, stores, tally, hashes or PasswordHashes())
    runtime.background.append(upkeep.run)
    runtime.tables.append(lambda: _events_table(tally))
    app = create_app(
        runtime,
        title="Fleetserve auth service",
        routers=[sign_in_router, account_router, api_keys_router, users_router, internal_router],
        checks=checks,
    )
    app.state.auth = services
    return app


def _compose(
    runtime: ServiceRuntime,
    settings: AuthSettings,
    stores: Stores,
    tally: Tally,
    hashes: PasswordHashes,
) -> tuple[AuthServices, Upkeep]:
    config, clock = settings.auth, runtime.clock
    token_s = config.tokens.access_minutes * 60.0
    signing_keys = SigningKeys(
        settings.folder / "signing-keys",
        clock,
        days=config.tokens.signing_key_days,
        token_s=token_s,
    )
    first_admin = FirstAdmin(settings.folder, stores.users, hashes)
    first_admin.ensure(clock)
    revoker = Revoker(stores.revocations, stores.feed, clock, token_s=token_s)
    changes = UserChanges(stores.users, stores.sessions, stores.keys, revoker)
    parts = SignInParts(
        users=stores.users,
        sessions=stores.sessions,
        attempts=stores.attempts,
        hashes=hashes,
        tokens=TokenMaker(signing_keys, config, clock),
        changes=changes,
        lockout=config.lockout,
        first_admin=first_admin,
        tally=tally,
        clock=clock,
    )
    sign_in = SignIn(parts)
    key_ring = KeyRing(stores.keys, stores.users, revoker, config, clock)
    services = AuthServices(
        sign_in=sign_in,
        accounts=Accounts(stores.users, changes, sign_in, hashes, config, clock),
        key_ring=key_ring,
        callers=Callers(stores.users, stores.sessions, key_ring, signing_keys, config, clock),
        signing_keys=signing_keys,
        config=config,
        clock=clock,
        auth_enabled=settings.service.config.security.enable_auth,
    )
    upkeep = Upkeep(
        revoker, stores.sessions, stores.attempts, signing_keys, tally, runtime.metrics, clock
    )
    return services, upkeep


def database_check(engine: Engine) -> Check:
    """For /health: whether the database answers."""

    def ask() -> str:
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))
        return engine.dialect.name

    async def check() -> str:
        return await asyncio.to_thread(ask)

    return check


def _events_table(tally: Tally) -> Table:
    rows = [[name.replace("_", " "), count] for name, count in sorted(tally.totals.items())]
    return Table("Since the start", ("Event", "Count"), rows, empty="Nobody has logged in yet.")
