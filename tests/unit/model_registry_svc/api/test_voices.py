import io

import httpx
import numpy as np
import pytest

from fleetserve.voices import read_voices
from tests.unit.model_registry_svc.conftest import Registry
from tests.unit.model_registry_svc.test_recordings import record
from tests.unit.model_registry_svc.test_voices import SIZE, VECTOR, publish, publish_vallex

URL = "/audio/voices"


@pytest.fixture(autouse=True)
def model(registry: Registry) -> None:
    publish(registry.models_dir, "speaks", {"speaker_embedding_dim": SIZE})


def npy() -> bytes:
    file = io.BytesIO()
    np.save(file, np.array([VECTOR], np.float32))
    return file.getvalue()


async def test_voice_is_given_by_json_and_deleted(
    http: httpx.AsyncClient, registry: Registry
) -> None:
    body = {"model_name": "speaks", "name": "anna", "embedding": VECTOR}
    answer = await http.post(URL, json=body)
    assert answer.status_code == 201
    assert answer.json() == {
        "success": True,
        "model_name": "speaks",
        "name": "anna",
        "replaced": False,
    }
    assert (await http.post(URL, json=body)).json()["replaced"] is True
    deleted = await http.delete(URL, params={"model_name": "speaks", "name": "anna"})
    assert deleted.status_code == 200
    assert read_voices(registry.models_dir, "speaks") == {}
    gone = await http.delete(f"{URL}/anna", params={"model_name": "speaks"})
    assert gone.status_code == 404


@pytest.mark.parametrize(
    "file", [("x.npy", npy()), ("x.json", str(VECTOR).encode())], ids=["npy", "json"]
)
async def test_voice_is_given_as_a_file(
    http: httpx.AsyncClient, registry: Registry, file: tuple[str, bytes]
) -> None:
    form = {"model": "speaks", "name": "bo"}
    answer = await http.post(URL, data=form, files={"file": file})
    assert answer.status_code == 201, answer.text
    assert read_voices(registry.models_dir, "speaks")["bo"].embedding == tuple(VECTOR)
    deleted = await http.delete(f"{URL}/bo", params={"model_name": "speaks"})
    assert deleted.status_code == 200


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        ({"name": "a", "embedding": VECTOR}, 422, "model_name"),
        ({"model_name": "speaks", "embedding": VECTOR}, 422, "name"),
        ({"model_name": "speaks", "name": "a"}, 422, "embedding"),
        ({"model_name": "speaks", "name": "a", "embedding": ["x"]}, 422, "embedding"),
        ({"model_name": "speaks", "name": "a", "embedding": [1.0]}, 422, "wants 4 numbers"),
        ({"model_name": "nobody", "name": "a", "embedding": VECTOR}, 404, "nobody"),
        ({"model_name": "speaks", "name": "default", "embedding": VECTOR}, 409, "default"),
        ([1], 422, "object"),
    ],
)
async def test_wrong_request_names_what_is_wrong(
    http: httpx.AsyncClient, body: object, status: int, text: str
) -> None:
    answer = await http.post(URL, json=body)
    assert answer.status_code == status
    assert text in answer.text


async def test_what_is_no_vector_or_no_json_is_refused(http: httpx.AsyncClient) -> None:
    form = {"model_name": "speaks", "name": "a"}
    answer = await http.post(URL, data=form, files={"file": ("a.json", b"[1, x]")})
    assert answer.status_code == 422
    assert "JSON list" in answer.text
    assert (await http.post(URL, data=form, files={"other": ("a", b"x")})).status_code == 422
    assert (await http.post(URL, content=b"{")).status_code == 400
    assert (await http.post(URL, content=b" " * (9 << 20))).status_code == 413


async def test_recording_is_given_with_its_words_and_deleted(
    http: httpx.AsyncClient, registry: Registry
) -> None:
    publish_vallex(registry.models_dir)
    form = {"model_name": "vall-e-x", "name": "anna", "transcript": " Good morning. "}
    answer = await http.post(URL, data=form, files={"file": ("a.wav", record())})
    assert answer.status_code == 201, answer.text
    kept = read_voices(registry.models_dir, "vall-e-x")["anna"]
    assert kept.transcript == "Good morning."
    assert (registry.models_dir / "vall-e-x" / kept.recording).is_file()
    await http.delete(f"{URL}/anna", params={"model_name": "vall-e-x"})
    assert not (registry.models_dir / "vall-e-x" / kept.recording).exists()


@pytest.mark.parametrize(
    ("form", "file", "status", "text"),
    [
        ({"model_name": "vall-e-x"}, record(), 422, "transcript"),
        ({"model_name": "vall-e-x", "transcript": "Hi."}, b"no sound", 415, "wav, flac, mp3"),
        ({"model_name": "vall-e-x", "transcript": "Hi."}, record(0.5), 422, "1 to 15 s"),
        ({"model_name": "speaks", "transcript": "Hi."}, record(), 422, "vectors of 4 numbers"),
        ({"model_name": "nobody", "transcript": "Hi."}, record(), 404, "nobody"),
    ],
)
async def test_wrong_recording_names_what_is_wrong(
    http: httpx.AsyncClient,
    registry: Registry,
    form: dict[str, str],
    file: bytes,
    status: int,
    text: str,
) -> None:
    publish_vallex(registry.models_dir)
    answer = await http.post(URL, data=form | {"name": "a"}, files={"file": ("a", file)})
    assert answer.status_code == status, answer.text
    assert text in answer.json()["detail"]
