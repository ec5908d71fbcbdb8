"""The last lines of a start: where the fleet is and the first thing to try."""

from pathlib import Path
from shlex import quote

from fleetserve.supervisor.console import seconds, shown_path

FIRST_REQUEST = '{"model_name":"example","inputs":[1,2,3,4,5]}'


def summary(gateway: str, logs_dir: Path, took_s: float, admin_password: Path | None = None) -> str:
    """What to print when all is ready.

    ``gateway`` is its address, "" when there is none; ``admin_password`` is the file with the
    first admin's, where auth is on and nobody has logged in yet.
    """
    head = f"\nReady after {seconds(took_s)}. Ctrl-C stops everything."
    if not gateway:
        return f"{head}\n"
    sign_in, first = "", _curl(gateway, "/predict", FIRST_REQUEST)
    if admin_password is not None:
        sign_in = f"  Admin {shown_path(admin_password)} (the password, until the first login)\n"
        # Without a credential a prediction would be refused.
        password = f"'\"$(cat {quote(shown_path(admin_password))})\"'"
        login = f'{{"username":"admin","password":"{password}"}}'
        first = _curl(gateway, "/auth/login", login)
    return (
        f"{head}\n\n"
        f"  API   {gateway}\n"
        f"  Docs  {gateway}/docs\n"
        f"  Logs  {shown_path(logs_dir)}\n"
        f"{sign_in}\n"
        "Try it:\n\n"
        f"{first}"
    )


def _curl(gateway: str, path: str, body: str) -> str:
    return f"  curl {gateway}{path} -H 'Content-Type: application/json' \\\n    -d '{body}'\n"
