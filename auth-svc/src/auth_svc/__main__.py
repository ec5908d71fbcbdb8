"""``python -m auth_svc``: the service. ``python -m auth_svc reset-admin``: a lost password."""

import argparse
import sys

import fleetserve.quick_start  # noqa: F401
from auth_svc.app import build, reset_admin
from auth_svc.settings import load_settings
from fleetserve.config_sections import SettingsError
from fleetserve.server import run_service


def main() -> None:
    parser = argparse.ArgumentParser(prog="auth_svc", description=__doc__)
    parser.add_argument("command", nargs="?", choices=["serve", "reset-admin"], default="serve")
    command = parser.parse_args().command
    try:
        settings = load_settings()
        if command == "reset-admin":
            path = reset_admin(settings)
            sys.stdout.write(f"admin has a new password, in {path}; it goes at the first login.\n")
            return
        app, runtime = build(settings)
    except SettingsError as exc:
        sys.exit(str(exc))
    run_service(app, runtime)


if __name__ == "__main__":
    main()
