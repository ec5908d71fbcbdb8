"""``python -m gateway``."""

import sys

import fleetserve.quick_start  # noqa: F401
from fleetserve.auth.security_headers import security_headers
from fleetserve.config_sources import SettingsError
from fleetserve.server import run_service
from gateway.api.docs import inline_script_hashes
from gateway.app import build
from gateway.settings import load_settings


def main() -> None:
    try:
        settings = load_settings()
    except SettingsError as exc:
        sys.exit(str(exc))
    app, runtime = build(settings)
    run_service(app, runtime, drain_s=0.0, headers=security_headers(inline_script_hashes()))


if __name__ == "__main__":
    main()
