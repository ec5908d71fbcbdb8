import subprocess
import sys
from pathlib import Path

from tests.redis_server import free_port


def run(environ: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "auth_svc", *arguments],
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_wrong_configuration_is_one_clear_line(environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "auth.yaml").write_text("registration:\n  opn: true\n")
    ended = run(environ)
    assert ended.returncode == 1
    assert ended.stderr == (
        f"{tmp_path}/auth.yaml:2: registration.opn: no such key; did you mean open? "
        "allowed: open, role\n"
    )


def test_database_that_is_away_is_one_clear_line(environ: dict[str, str]) -> None:
    url = f"postgresql://ada:hunter2@127.0.0.1:{free_port()}/auth"
    ended = run({**environ, "AUTH_DATABASE_URL": url})
    assert ended.returncode == 1
    assert ended.stderr.startswith("The database postgresql+pg8000://ada:***@127.0.0.1:")
    assert "does not answer" in ended.stderr
    assert "hunter2" not in ended.stderr + ended.stdout


def test_reset_admin_says_where_the_password_lies(environ: dict[str, str], tmp_path: Path) -> None:
    ended = run({**environ, "REDIS_URL": "redis://127.0.0.1:1/0"}, "reset-admin")
    path = tmp_path / "data" / "auth" / "admin-password"
    assert ended.returncode == 0, ended.stderr
    assert str(path) in ended.stdout
    assert path.read_text().strip() not in ended.stdout + ended.stderr
