"""``python -m fleetserve.init``; what is there already is kept, so it may run at each start."""

import sys

from fleetserve.config_sources import SettingsError
from fleetserve.init.redis_files import hand_out_url, write_redis_files
from fleetserve.init.settings import InitSettings, load_settings
from fleetserve.tokens import CALLS, make_secrets

SERVICES = sorted({*CALLS, *(audience for audiences in CALLS.values() for audience in audiences)})


def prepare(settings: InitSettings) -> None:
    """Makes the secrets of every service, and Redis's.

    Raises: OSError: a folder is missing or can't be written.
    """
    make_secrets(settings.secrets_dir, SERVICES)
    password = write_redis_files(settings.redis_dir)
    url = f"redis://:{password}@{settings.redis_address}/0"
    hand_out_url(settings.secrets_dir, SERVICES, url)


def main() -> None:
    """Ends with status 1 and one clear line when it can't be done."""
    try:
        prepare(load_settings())
    except SettingsError as exc:
        sys.exit(f"the configuration is wrong:\n{exc}")
    except OSError as exc:
        sys.exit(f"{exc.filename} can't be written: {exc.strerror}")


if __name__ == "__main__":
    main()
