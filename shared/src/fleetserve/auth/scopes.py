"""What a credential may be allowed to do, and what each route asks for: one table.

A route that is not in the table asks for ``admin``, so that nothing is open by accident.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple


class Scope(StrEnum):
    PREDICT = "predict"
    AUDIO = "audio"
    MODELS_READ = "models:read"
    MODELS_WRITE = "models:write"
    GPU_READ = "gpu:read"
    AUTOSCALER_READ = "autoscaler:read"
    AUTOSCALER_WRITE = "autoscaler:write"
    LOGS_READ = "logs:read"
    LOGS_WRITE = "logs:write"
    SERVER_WRITE = "server:write"
    ADMIN = "admin"


ALL_SCOPES = frozenset(Scope)


class Access(NamedTuple):
    """What a route asks for.

    Attributes:
        open: No credential is asked for; one that is sent is not looked at.
        any_of: One of these is enough; none: any credential that holds.
        limit: The rate limit's class by which strangers are counted here; "": not counted.
    """

    open: bool
    any_of: tuple[Scope, ...] = ()
    limit: str = "address"


OPEN = Access(open=True)
PROBE = Access(open=True, limit="")
SIGN_IN = Access(open=True, limit="login")
SIGNED_IN = Access(open=False)
CLOSED = Access(open=False, any_of=(Scope.ADMIN,))


def _needs(*scopes: Scope) -> Access:
    return Access(open=False, any_of=scopes)


_PREDICT = _needs(Scope.PREDICT)
_AUDIO = _needs(Scope.AUDIO)
_JOBS = _needs(Scope.PREDICT, Scope.AUDIO)
_READ_MODELS = _needs(Scope.MODELS_READ)
_NAME_MODELS = _needs(Scope.MODELS_READ, Scope.PREDICT, Scope.AUDIO)
_WRITE_MODELS = _needs(Scope.MODELS_WRITE)
_GPU = _needs(Scope.GPU_READ)
_READ_SCALING = _needs(Scope.AUTOSCALER_READ)
_WRITE_SCALING = _needs(Scope.AUTOSCALER_WRITE)
_READ_LOGS = _needs(Scope.LOGS_READ)
_WRITE_LOGS = _needs(Scope.LOGS_WRITE)
_SERVER = _needs(Scope.SERVER_WRITE)

# {name} stands for one segment of the path, {name:rest} for all that are left (at least one).
# HEAD is asked for as GET is; a WebSocket is a GET.
ROUTES: tuple[tuple[str, str, Access], ...] = (
    ("GET", "/", OPEN),
    ("GET", "/health", PROBE),
    ("GET", "/health/live", PROBE),
    ("GET", "/health/ready", PROBE),
    ("GET", "/docs", OPEN),
    ("GET", "/redoc", OPEN),
    ("GET", "/openapi.json", OPEN),
    ("GET", "/docs-assets/{file:rest}", OPEN),
    ("GET", "/favicon.ico", OPEN),
    ("GET", "/info", SIGNED_IN),
    ("GET", "/stats", SIGNED_IN),
    ("GET", "/config", SIGNED_IN),
    ("GET", "/metrics", SIGNED_IN),
    ("GET", "/metrics/server", SIGNED_IN),
    ("GET", "/metrics/tts", SIGNED_IN),
    # The pages hold nothing; they ask for a credential and send it for their data.
    ("GET", "/dashboard", OPEN),
    ("GET", "/dashboard/{service}", OPEN),
    ("GET", "/dashboard-data", SIGNED_IN),
    ("GET", "/dashboard-data/{service}", SIGNED_IN),
    ("GET", "/dashboard-assets/{file:rest}", OPEN),
    ("GET", "/studio", OPEN),
    ("GET", "/studio-assets/{file:rest}", OPEN),
    ("POST", "/predict", _PREDICT),
    ("GET", "/jobs", _JOBS),
    ("POST", "/jobs/batch", _PREDICT),
    ("GET", "/jobs/{id}", _JOBS),
    ("DELETE", "/jobs/{id}", _JOBS),
    ("GET", "/jobs/{id}/events", _JOBS),
    ("GET", "/jobs/{id}/result", _JOBS),
    ("GET", "/models", _READ_MODELS),
    ("GET", "/models/available", _READ_MODELS),
    ("GET", "/models/managed", _READ_MODELS),
    ("GET", "/models/cache/info", _READ_MODELS),
    ("POST", "/models/manage", _WRITE_MODELS),
    ("POST", "/models/download", _WRITE_MODELS),
    ("GET", "/models/download/status/{id}", _READ_MODELS),
    ("GET", "/models/download/status/{id}/events", _READ_MODELS),
    ("GET", "/models/download/{name}/info", _READ_MODELS),
    ("DELETE", "/models/download/{name}", _WRITE_MODELS),
    ("POST", "/synthesize", _AUDIO),
    ("POST", "/transcribe", _AUDIO),
    ("GET", "/audio/health", _AUDIO),
    ("GET", "/tts/health", _AUDIO),
    ("GET", "/audio/stream", _AUDIO),
    ("GET", "/audio/voices", _AUDIO),
    ("POST", "/audio/voices", _AUDIO),
    ("DELETE", "/audio/voices", _AUDIO),
    ("DELETE", "/audio/voices/{voice}", _AUDIO),
    ("GET", "/gpu/detect", _GPU),
    ("GET", "/gpu/best", _GPU),
    ("GET", "/gpu/config", _GPU),
    ("GET", "/gpu/report", _GPU),
    ("GET", "/autoscaler/stats", _READ_SCALING),
    ("GET", "/autoscaler/health", _READ_SCALING),
    ("GET", "/autoscaler/metrics", _READ_SCALING),
    ("GET", "/autoscaler/history", _READ_SCALING),
    ("GET", "/autoscaler/config", _READ_SCALING),
    ("PUT", "/autoscaler/config", _WRITE_SCALING),
    ("POST", "/autoscaler/scale", _WRITE_SCALING),
    ("GET", "/server/config", SIGNED_IN),
    ("GET", "/server/optimize/{model}", _READ_MODELS),
    ("POST", "/server/optimize", _SERVER),
    ("DELETE", "/server/optimize/{model}", _SERVER),
    ("GET", "/logs", _READ_LOGS),
    ("GET", "/logs/{file}", _READ_LOGS),
    ("DELETE", "/logs/{file}", _WRITE_LOGS),
    # Registering is closed by auth-svc itself where auth.yaml says so; a refresh token is its
    # own credential, and the access token beside it has usually expired.
    ("POST", "/auth/register", SIGN_IN),
    ("POST", "/auth/login", SIGN_IN),
    ("POST", "/auth/refresh", SIGN_IN),
    ("POST", "/auth/logout", SIGNED_IN),
    ("GET", "/auth/profile", SIGNED_IN),
    ("PUT", "/auth/password", SIGNED_IN),
    ("POST", "/auth/generate-key", SIGNED_IN),
    ("GET", "/auth/api-keys", SIGNED_IN),
    ("DELETE", "/auth/api-keys/{id}", SIGNED_IN),
    ("GET", "/auth/users", CLOSED),
    ("PATCH", "/auth/users/{name}", CLOSED),
    ("DELETE", "/auth/users/{name}", CLOSED),
    ("POST", "/v1/chat/completions", _PREDICT),
    ("POST", "/v1/completions", _PREDICT),
    ("POST", "/v1/embeddings", _PREDICT),
    ("POST", "/v1/audio/speech", _AUDIO),
    ("POST", "/v1/audio/transcriptions", _AUDIO),
    ("POST", "/v1/audio/translations", _AUDIO),
    ("GET", "/v1/models", _NAME_MODELS),
    ("GET", "/v1/models/{model:rest}", _NAME_MODELS),
    ("GET", "/v2", SIGNED_IN),
    ("GET", "/v2/health/live", SIGNED_IN),
    ("GET", "/v2/health/ready", SIGNED_IN),
    ("GET", "/v2/models/stats", _READ_MODELS),
    ("GET", "/v2/models/{model}/config", _NAME_MODELS),
    ("GET", "/v2/models/{model}/stats", _READ_MODELS),
    ("GET", "/v2/models/{model}/versions/{version}/config", _NAME_MODELS),
    ("GET", "/v2/models/{model}/versions/{version}/stats", _READ_MODELS),
    ("GET", "/v2/models/{model}", _NAME_MODELS),
    ("GET", "/v2/models/{model}/ready", _NAME_MODELS),
    ("POST", "/v2/models/{model}/infer", _PREDICT),
    ("GET", "/v2/models/{model}/versions/{version}", _NAME_MODELS),
    ("GET", "/v2/models/{model}/versions/{version}/ready", _NAME_MODELS),
    ("POST", "/v2/models/{model}/versions/{version}/infer", _PREDICT),
    # Not offered; that is said to everybody who may ask anything.
    ("GET", "/v2/logging", SIGNED_IN),
    ("POST", "/v2/logging", SIGNED_IN),
    ("GET", "/v2/trace/setting", SIGNED_IN),
    ("POST", "/v2/trace/setting", SIGNED_IN),
    ("GET", "/v2/models/{model}/trace/setting", SIGNED_IN),
    ("POST", "/v2/models/{model}/trace/setting", SIGNED_IN),
    ("GET", "/v2/systemsharedmemory/{region:rest}", SIGNED_IN),
    ("POST", "/v2/systemsharedmemory/{region:rest}", SIGNED_IN),
    ("GET", "/v2/cudasharedmemory/{region:rest}", SIGNED_IN),
    ("POST", "/v2/cudasharedmemory/{region:rest}", SIGNED_IN),
    ("POST", "/v2/repository/index", _READ_MODELS),
    ("POST", "/v2/repository/models/{model}/load", _WRITE_MODELS),
    ("POST", "/v2/repository/models/{model}/unload", _WRITE_MODELS),
)


class RouteScopes:
    """Finds what a request's route asks for.

    A path without a placeholder is one look-up; the others are compared, segment by
    segment, with the patterns of their method that begin alike.
    """

    def __init__(self, routes: Iterable[tuple[str, str, Access]] = ROUTES) -> None:
        self._exact: dict[tuple[str, str], Access] = {}
        self._patterns: dict[tuple[str, str], list[tuple[list[str], Access]]] = {}
        for method, path, access in routes:
            if "{" not in path:
                self._exact[method, path] = access
                continue
            segments = path.split("/")
            self._patterns.setdefault((method, segments[1]), []).append((segments, access))

    def access(self, method: str, path: str) -> Access:
        """What the route asks for; ``CLOSED`` for whatever the table has not."""
        if method == "HEAD":
            method = "GET"
        found = self._exact.get((method, path))
        return found if found is not None else self._by_pattern(method, path)

    def _by_pattern(self, method: str, path: str) -> Access:
        segments = path.split("/")
        if len(segments) < 2:
            return CLOSED
        for pattern, access in self._patterns.get((method, segments[1]), ()):
            if _matches(pattern, segments):
                return access
        return CLOSED


def _matches(pattern: list[str], segments: list[str]) -> bool:
    takes_rest = pattern[-1].endswith(":rest}")
    if len(segments) < len(pattern) or (len(segments) > len(pattern) and not takes_rest):
        return False
    if ".." in segments:
        return False
    return all(
        bool(segment) if part[:1] == "{" else part == segment
        for part, segment in zip(pattern, segments, strict=False)
    )
