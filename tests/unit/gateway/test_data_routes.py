import pytest

from fleetserve.config import ServerConfig
from fleetserve.tasks import AUDIO_SERVICE, INFERENCE_SERVICE
from gateway.data_routes import RouteTable, data_routes

TABLE = RouteTable(data_routes(ServerConfig()))


@pytest.mark.parametrize(
    ("path", "route", "model", "version"),
    [
        ("/predict", "/predict", "", ""),
        ("/v1/embeddings", "/v1/embeddings", "", ""),
        ("/v2/models/m", "/v2/models/{model}", "m", ""),
        ("/v2/models/m/infer", "/v2/models/{model}/infer", "m", ""),
        ("/v2/models/m/versions/3", "/v2/models/{model}", "m", "3"),
        ("/v2/models/m/versions/3/infer", "/v2/models/{model}/infer", "m", "3"),
        ("/v2/models/m/config", "/v2/models/{model}/config", "m", ""),
        ("/v2/models/m/versions/3/config", "/v2/models/{model}/config", "m", "3"),
        ("/v2/models/infer/infer", "/v2/models/{model}/infer", "infer", ""),
    ],
)
def test_a_path_names_its_route_and_its_model(
    path: str, route: str, model: str, version: str
) -> None:
    found = TABLE.find(path)
    assert found is not None
    assert (found.route.path, found.model, found.version) == (route, model, version)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/predict/",
        "/v2",
        "/v2/models",
        "/v2/models/",
        "/v2/models//infer",
        "/v2/models/stats",
        "/v2/models/m/stats",
        "/v2/models/m/ready",
        "/v2/models/m/infer/",
        "/v2/models/m/infer/more",
        "/v2/models/m/versions",
        "/v2/models/m/versions/3/ready",
        "/v2/models/m/versions/3/infer/more",
    ],
)
def test_everything_else_is_not_of_the_data_plane(path: str) -> None:
    assert TABLE.find(path) is None


def test_only_native_bodies_carry_a_credential() -> None:
    assert TABLE.late_paths == {"/predict", "/synthesize", "/transcribe"}


def test_compatible_routes_know_their_service() -> None:
    routes = [r for r in data_routes(ServerConfig()) if r.path.startswith("/v")]
    audio = {r.path for r in routes if r.service == AUDIO_SERVICE}
    assert audio == {f"/v1/audio/{name}" for name in ("speech", "transcriptions", "translations")}
    assert {r.service for r in routes if r.path not in audio} == {INFERENCE_SERVICE}
