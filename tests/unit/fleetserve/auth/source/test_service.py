import pytest

from fleetserve.auth.api_keys import KeyRecord, encode_key_record
from fleetserve.auth.source.service import ServiceAuthSource
from fleetserve.errors import UnavailableError

RECORD = KeyRecord("k1", "ada", "u1", 1, ("predict",), 9.0)


class AuthSvc:
    """Answers every GET with the same."""

    def __init__(self, status: int, body: bytes = b"") -> None:
        self.status, self.body = status, body
        self.paths: list[str] = []

    async def get(self, path: str) -> tuple[int, bytes]:
        self.paths.append(path)
        return self.status, self.body


async def test_key_is_asked_for_by_its_digest() -> None:
    auth_svc = AuthSvc(200, encode_key_record(RECORD))
    assert await ServiceAuthSource(auth_svc.get).key("ab12") == RECORD
    assert auth_svc.paths == ["/internal/keys/ab12"]


async def test_404_means_there_is_no_such_key() -> None:
    assert await ServiceAuthSource(AuthSvc(404).get).key("ab12") is None


@pytest.mark.parametrize("auth_svc", [AuthSvc(500), AuthSvc(401), AuthSvc(200, b"<html>")])
async def test_any_other_answer_means_it_can_not_be_told(auth_svc: AuthSvc) -> None:
    with pytest.raises(UnavailableError):
        await ServiceAuthSource(auth_svc.get).key("ab12")


async def test_public_keys_are_handed_on() -> None:
    auth_svc = AuthSvc(200, b'{"keys": []}')
    assert await ServiceAuthSource(auth_svc.get).public_keys() == b'{"keys": []}'
    assert auth_svc.paths == ["/internal/jwks"]


async def test_refused_public_keys_can_not_be_told() -> None:
    with pytest.raises(UnavailableError):
        await ServiceAuthSource(AuthSvc(503).get).public_keys()
