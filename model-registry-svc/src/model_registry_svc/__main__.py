"""python -m model_registry_svc."""

import sys

import fleetserve.quick_start  # noqa: F401
from fleetserve.config_sources import SettingsError
from fleetserve.runtime import make_runtime
from fleetserve.server import run_service
from model_registry_svc.app import build_app
from model_registry_svc.settings import SERVICE, load_settings


def main() -> None:
    """Serves until SIGTERM."""
    try:
        settings = load_settings(SERVICE)
        runtime = make_runtime(settings.service)
        app = build_app(settings, runtime)
    except SettingsError as exc:
        sys.exit(str(exc))
    run_service(app, runtime, drain_s=0)


if __name__ == "__main__":
    main()
