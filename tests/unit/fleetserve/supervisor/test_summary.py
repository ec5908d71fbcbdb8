import json
import subprocess
from pathlib import Path

from fleetserve.supervisor.summary import summary


def test_summary_ends_with_a_call_to_paste() -> None:
    text = summary("http://127.0.0.1:8000", Path("/srv/fleet/logs"), 4.21)
    assert "Ready after 4.2 s." in text
    assert "http://127.0.0.1:8000/docs" in text
    assert "/srv/fleet/logs" in text
    assert text.rstrip().endswith("""-d '{"model_name":"example","inputs":[1,2,3,4,5]}'""")


def test_fleet_without_a_gateway_has_no_address_to_show() -> None:
    assert summary("", Path("/logs"), 1.0).strip() == "Ready after 1.0 s. Ctrl-C stops everything."


def test_file_with_the_admins_password_is_named() -> None:
    text = summary("http://127.0.0.1:8000", Path("/logs"), 1.0, Path("/srv/auth/admin password"))
    assert "  Admin /srv/auth/admin password (the password, until the first login)\n" in text


def test_first_call_of_a_closed_fleet_is_the_login(tmp_path: Path) -> None:
    password = tmp_path / "admin password"
    password.write_text("s3cret\n")
    text = summary("http://127.0.0.1:8000", Path("/logs"), 1.0, password)
    command = text.partition("Try it:")[2].replace("curl ", "printf '%s\\n' ", 1)
    told = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    *_, body = told.stdout.splitlines()
    assert json.loads(body) == {"username": "admin", "password": "s3cret"}
    assert "http://127.0.0.1:8000/auth/login" in told.stdout
