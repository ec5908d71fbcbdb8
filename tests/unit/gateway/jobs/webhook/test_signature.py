import base64
import hashlib
import hmac
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from gateway.jobs.webhook.signature import WebhookSecrets, signature

# From the specification's own example.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_signature_is_that_of_the_specification() -> None:
    made = signature(SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_receiver_can_check_it_with_the_secret() -> None:
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    expected = hmac.new(key, b"id.5.body", hashlib.sha256).digest()
    assert signature(SECRET, "id", 5, b"body") == f"v1,{base64.b64encode(expected).decode()}"


def test_secret_stays_the_same_and_differs_by_principal(tmp_path: Path) -> None:
    path = tmp_path / "jobs" / "webhook.key"
    secret = WebhookSecrets(path).secret_of("user:ada")
    assert WebhookSecrets(path).secret_of("user:ada") == secret
    assert WebhookSecrets(path).secret_of("user:bob") != secret
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in path.parent.iterdir()] == ["webhook.key"]


def test_two_that_need_it_first_get_the_same_one(tmp_path: Path) -> None:
    secrets = WebhookSecrets(tmp_path / "webhook.key")
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(secrets.secret_of, ["user:ada"] * 32))
    assert len(found) == 1
