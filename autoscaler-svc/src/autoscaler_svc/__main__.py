"""``python -m autoscaler_svc``."""

import sys

import fleetserve.quick_start  # noqa: F401
from autoscaler_svc.app import build
from autoscaler_svc.settings import load_settings
from fleetserve.config_sources import SettingsError
from fleetserve.server import run_service


def main() -> None:
    try:
        settings = load_settings()
    except SettingsError as exc:
        sys.exit(str(exc))
    app, runtime = build(settings)
    run_service(app, runtime)


if __name__ == "__main__":
    main()
