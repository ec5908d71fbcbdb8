"""The database as the stores use it: transactions, and its faults in the fleet's own terms."""

import contextlib
from collections.abc import Iterator

import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from fleetserve.errors import UnavailableError

log = structlog.get_logger(__name__)


class Database:
    """Blocking; safe from any thread.

    Raises (from both): UnavailableError: it can't be reached, or is locked or full; nothing was
    written. What breaks a constraint is SQLAlchemy's IntegrityError.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        with _translated(), self._engine.connect() as connection:
            yield connection

    @contextlib.contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction: whole at the end, or not at all."""
        with _translated(), self._engine.begin() as connection:
            yield connection


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (OperationalError, InterfaceError, PoolTimeoutError) as exc:
        log.warning("database.failed", error=str(exc.args[0] if exc.args else exc))
        raise UnavailableError(
            "auth-svc's database does not answer; try again.",
            code="database_unavailable",
            retry_after_s=2,
        ) from exc
