from pathlib import Path
from stat import S_IMODE

import orjson
import pytest

from fleetserve.clock import ManualClock
from fleetserve.errors import UnauthorizedError
from fleetserve.tokens import CALLS, LIFETIME_S, TokenSigner, TokenVerifier, make_secrets

NOW_S = 1_800_000_000.0
SERVICES = ("gateway", "inference-svc", "audio-svc", "model-registry-svc")


@pytest.fixture
def secrets_dir(tmp_path: Path) -> Path:
    make_secrets(tmp_path, SERVICES)
    return tmp_path


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW_S)


@pytest.fixture
def token(secrets_dir: Path, clock: ManualClock) -> str:
    return TokenSigner(secrets_dir, "gateway", clock).token_for("inference-svc")


@pytest.fixture
def verifier(secrets_dir: Path, clock: ManualClock) -> TokenVerifier:
    return TokenVerifier(secrets_dir, "inference-svc", clock)


def test_token_names_its_caller_to_its_audience(token: str, verifier: TokenVerifier) -> None:
    assert verifier.check(token) == "gateway"
    assert verifier.check(token) == "gateway"


def test_every_allowed_call_has_a_token_that_holds(tmp_path: Path, clock: ManualClock) -> None:
    everyone = {*CALLS, *(audience for audiences in CALLS.values() for audience in audiences)}
    make_secrets(tmp_path, everyone)
    for caller, audiences in CALLS.items():
        signer = TokenSigner(tmp_path, caller, clock)
        for audience in audiences:
            checked = TokenVerifier(tmp_path, audience, clock).check(signer.token_for(audience))
            assert checked == caller


def test_token_does_not_hold_for_another_audience(
    secrets_dir: Path, token: str, clock: ManualClock
) -> None:
    with pytest.raises(UnauthorizedError) as caught:
        TokenVerifier(secrets_dir, "audio-svc", clock).check(token)
    assert caught.value.code == "service_token_wrong"


def test_token_ends_with_its_lifetime_also_when_it_was_checked_before(
    token: str, verifier: TokenVerifier, clock: ManualClock
) -> None:
    verifier.check(token)
    clock.move(LIFETIME_S)
    with pytest.raises(UnauthorizedError) as caught:
        verifier.check(token)
    assert caught.value.code == "service_token_expired"


def test_signer_renews_before_the_end(secrets_dir: Path, clock: ManualClock) -> None:
    signer = TokenSigner(secrets_dir, "gateway", clock)
    verifier = TokenVerifier(secrets_dir, "inference-svc", clock)
    first = signer.token_for("inference-svc")
    assert signer.token_for("inference-svc") == first
    for _ in range(LIFETIME_S * 2):
        clock.move(1.0)
        assert verifier.check(signer.token_for("inference-svc")) == "gateway"
    assert signer.token_for("inference-svc") != first


@pytest.mark.parametrize(
    "made",
    [
        None,
        "",
        "gateway",
        "gateway.1",
        "gateway.x.y",
        "a.-1.b",
        "a.²2.b",
        "a.1.ä",
        "a." + "9" * 5000,
    ],
)
def test_what_is_no_token_is_refused_with_the_way_to_call(
    verifier: TokenVerifier, made: str | None
) -> None:
    with pytest.raises(UnauthorizedError, match="call the gateway") as caught:
        verifier.check(made)
    assert caught.value.code == "service_token_required"


@pytest.mark.parametrize("position", [0, 12, -2])
def test_changed_token_is_refused(token: str, verifier: TokenVerifier, position: int) -> None:
    changed = bytearray(token.encode())
    changed[position] = ord("7") if changed[position] != ord("7") else ord("8")
    with pytest.raises(UnauthorizedError):
        verifier.check(changed.decode())


def test_longer_life_can_not_be_written_into_a_token(token: str, verifier: TokenVerifier) -> None:
    caller, expires_at, mac = token.split(".", 2)
    with pytest.raises(UnauthorizedError):
        verifier.check(f"{caller}.{int(expires_at) + 3600}.{mac}")


def test_caller_has_no_token_for_whom_it_does_not_call(
    secrets_dir: Path, clock: ManualClock
) -> None:
    with pytest.raises(KeyError):
        TokenSigner(secrets_dir, "inference-svc", clock).token_for("audio-svc")


def test_service_holds_only_the_secrets_of_its_own_calls(secrets_dir: Path) -> None:
    calls = orjson.loads((secrets_dir / "inference-svc" / "calls.json").read_bytes())
    callers = orjson.loads((secrets_dir / "inference-svc" / "callers.json").read_bytes())
    assert set(calls) == {"model-registry-svc"}
    assert set(callers) == {"gateway", "model-registry-svc"}


def test_no_two_pairs_share_a_secret(secrets_dir: Path) -> None:
    secrets = [
        secret
        for path in secrets_dir.glob("*/calls.json")
        for secret in orjson.loads(path.read_bytes()).values()
    ]
    assert len(secrets) == len(set(secrets)) == 7


def test_secrets_are_for_their_owner_only(secrets_dir: Path) -> None:
    folders = list(secrets_dir.iterdir())
    files = [file for folder in folders for file in folder.iterdir()]
    assert {S_IMODE(folder.stat().st_mode) for folder in folders} == {0o700}
    assert {S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_secrets_are_kept_and_new_services_added(secrets_dir: Path, token: str) -> None:
    make_secrets(secrets_dir, (*SERVICES, "gpu-svc"))
    clock = ManualClock(NOW_S)
    assert TokenVerifier(secrets_dir, "inference-svc", clock).check(token) == "gateway"
    fresh = TokenSigner(secrets_dir, "gateway", clock).token_for("gpu-svc")
    assert TokenVerifier(secrets_dir, "gpu-svc", clock).check(fresh) == "gateway"
