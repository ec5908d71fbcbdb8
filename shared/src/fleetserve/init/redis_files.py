"""The configuration of a Redis container, and the file that tells services how to reach it."""

from collections.abc import Iterable
from pathlib import Path
from secrets import token_hex

from fleetserve.settings import REDIS_URL_FILE

PASSWORD_FILE = "password"  # noqa: S105 - a file's name
CONFIG_FILE = "redis.conf"
# Redis runs as a user of its own and reads these by the group.
GROUP_READS = 0o640
OWNER_READS = 0o600

CONFIGURATION = """\
bind * -::*
port 6379
requirepass {password}
dir /data
# Every write is on disk within a second: a kill -9 loses at most that.
appendonly yes
appendfsync everysec
save ""
# Redis's own housekeeping; at its default of ten times a second it is a quarter of what an idle
# Redis costs here.
hz 2
daemonize no
logfile ""
maxclients 1000
"""


def write_redis_files(folder: Path) -> str:
    """Makes redis.conf and the password beside it, which is made once and kept; returns it.

    Raises: OSError: the folder can't be written.
    """
    password_file = folder / PASSWORD_FILE
    if not password_file.exists():
        _write(password_file, token_hex(32), GROUP_READS)
    password = password_file.read_text().strip()
    _write(folder / CONFIG_FILE, CONFIGURATION.format(password=password), GROUP_READS)
    return password


def hand_out_url(secrets_dir: Path, services: Iterable[str], url: str) -> None:
    """Writes the URL into each service's folder of secrets.

    Raises: OSError: a folder can't be written.
    """
    for service in services:
        _write(secrets_dir / service / REDIS_URL_FILE, f"{url}\n", OWNER_READS)


def _write(path: Path, content: str, mode: int) -> None:
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    draft.touch(mode=OWNER_READS)
    draft.chmod(mode)
    draft.write_text(content)
    draft.replace(path)
