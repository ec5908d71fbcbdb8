"""python -m audio_svc."""

import sys

import fleetserve.quick_start  # noqa: F401
from audio_svc.settings import apply_environment, load_settings
from fleetserve.config_sources import SettingsError
from fleetserve.runtime import make_runtime
from fleetserve.server import run_service


def main() -> None:
    """Runs a replica until SIGTERM."""
    try:
        settings = load_settings()
    except SettingsError as exc:
        sys.exit(str(exc))
    apply_environment(settings)
    # numpy reads how many threads it may have when it is imported.
    from audio_svc.app import build_app

    runtime = make_runtime(settings.service)
    run_service(build_app(settings, runtime), runtime, unix_door=True)


if __name__ == "__main__":
    main()
