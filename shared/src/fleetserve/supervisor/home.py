"""The folder that a fleet lives in: made, locked against a second fleet, and described."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from fleetserve.supervisor.errors import SupervisorError
from fleetserve.supervisor.settings import SupervisorSettings

LOCK_FILE = "fleet.lock"
ENGINE_FILE = "engine.json"
PRIVATE = 0o700


class FleetRecord(msgspec.Struct, frozen=True):
    """Who runs a home: in the lock file from the start, in engine.json once it runs.

    ``engine_socket`` is where the engine answers; ``gateway`` the fleet's address.
    """

    pid: int
    gateway: str = ""
    engine_socket: str = ""
    started_at: float = 0.0


_decode = msgspec.json.Decoder(FleetRecord).decode


class FleetHome:
    """The folders under FLEETSERVE_HOME, held by this process.

    Attributes:
        unclean: The fleet that had it last did not end in order.
    """

    def __init__(self, settings: SupervisorSettings, *, unclean: bool) -> None:
        self.path = settings.home
        self.run_dir = settings.home / "run"
        self.redis_dir = settings.home / "redis"
        self.logs_dir = settings.base.logs_dir
        self.secrets_dir = settings.base.secrets_dir
        self.unclean = unclean

    def describe(self, record: FleetRecord) -> None:
        """Writes engine.json, whole or not at all. Raises: SupervisorError: it can't be written."""
        with _usable(self.path):
            draft = self.path / f"{ENGINE_FILE}.new"
            draft.touch(mode=0o600)
            draft.write_bytes(msgspec.json.encode(record))
            draft.replace(self.path / ENGINE_FILE)


def read_fleet_record(path: Path) -> FleetRecord | None:
    """What a lock file or engine.json says; None when it is not there or says nothing."""
    try:
        return _decode(path.read_bytes())
    except (OSError, msgspec.DecodeError):
        return None


@contextmanager
def _usable(home: Path) -> Iterator[None]:
    """Raises: SupervisorError: what is done in the home inside can't be done."""
    try:
        yield
    except OSError as exc:
        raise SupervisorError(
            f"{exc.filename or home} can't be used: {exc.strerror}. FLEETSERVE_HOME names "
            "another folder."
        ) from None


@contextmanager
def claim_home(settings: SupervisorSettings, record: FleetRecord) -> Iterator[FleetHome]:
    """Makes the folders and holds the home until the end of the block.

    The lock belongs to the process, not to the file: what a dead fleet leaves is taken over.

    Raises: SupervisorError: another fleet runs there, or the folders can't be made.
    """
    home = settings.home
    with _usable(home):
        _make_folders(settings)
        descriptor = os.open(home / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "r+b", buffering=0) as lock:
        _lock(lock.fileno(), home)
        unclean = bool(lock.read())
        _overwrite(lock.fileno(), msgspec.json.encode(record))
        fleet_home = FleetHome(settings, unclean=unclean)
        _empty(fleet_home.run_dir)
        try:
            yield fleet_home
        finally:
            (home / ENGINE_FILE).unlink(missing_ok=True)
            _empty(fleet_home.run_dir)
            _overwrite(lock.fileno(), b"")


def _make_folders(settings: SupervisorSettings) -> None:
    base = settings.base
    folders = [base.home, base.models_dir, base.logs_dir, base.jobs_dir, base.data_dir]
    folders += [base.cache_dir, base.secrets_dir, base.home / "run", base.home / "redis"]
    for folder in folders:
        folder.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
    base.secrets_dir.chmod(PRIVATE)


def _lock(descriptor: int, home: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SupervisorError(_in_use(home)) from None


def _in_use(home: Path) -> str:
    record = read_fleet_record(home / ENGINE_FILE) or read_fleet_record(home / LOCK_FILE)
    who = ""
    if record is not None:
        address = f", {record.gateway}" if record.gateway else ""
        who = f" (pid {record.pid}{address})"
    return (
        f"A fleet already runs in {home}{who}. Stop it with Ctrl-C there, or start a second one "
        "beside it: PORT=8001 FLEETSERVE_HOME=.fleetserve-2 make run"
    )


def _overwrite(descriptor: int, content: bytes) -> None:
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, content, 0)


def _empty(folder: Path) -> None:
    for entry in folder.iterdir():
        entry.unlink()
