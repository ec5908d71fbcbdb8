"""The data plane's routes: which path is which, and where its replicas serve it."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from fleetserve.config import ServerConfig
from fleetserve.tasks import AUDIO_SERVICE, INFERENCE_SERVICE, Task
from gateway.bodies import Body
from gateway.routing_fields import RoutingFields, routing_fields
from gateway.v2_fields import no_fields, v2_fields

MATCH = "fleet.route"
"""Where a request's scope keeps its RouteMatch, once the router has found it."""

_SPEAKS = frozenset({Task.TEXT_TO_SPEECH})
_HEARS = frozenset({Task.AUTOMATIC_SPEECH_RECOGNITION})
_WRITES = frozenset({Task.TEXT_GENERATION})
_TASKS = {
    "/synthesize": _SPEAKS,
    "/transcribe": _HEARS,
    "/v1/embeddings": frozenset({Task.FEATURE_EXTRACTION, Task.SENTENCE_SIMILARITY}),
    "/v1/completions": _WRITES,
    "/v1/chat/completions": _WRITES,
    "/v1/audio/speech": _SPEAKS,
    "/v1/audio/transcriptions": _HEARS,
    "/v1/audio/translations": _HEARS,
}
_ANY: frozenset[Task] = frozenset()

ReadFields = Callable[[Mapping[bytes, bytes], bytes, Body], Awaitable[RoutingFields]]


@dataclass(frozen=True, slots=True)
class DataRoute:
    """A route that a replica answers.

    Attributes:
        path: As metrics, logs and messages name it; ``{model}`` stands for a segment.
        upstream: The replica's path; it knows the model by a header, so it has no parts.
        read: The routing fields of headers, query and body.
        service: Set where only that service's models can be asked for here.
        method: What clients call it with; upstream it is always a POST.
        late: The credential may stand in the body.
        takes_jobs: ``Prefer: respond-async`` is heeded.
        tasks: Those that it serves; none: any of its service's.
    """

    path: str
    upstream: str
    read: ReadFields
    service: str | None
    timeout_s: float
    method: str = "POST"
    late: bool = False
    takes_jobs: bool = False
    tasks: frozenset[Task] = frozenset()


class RouteMatch(NamedTuple):
    """``model`` and ``version`` are those of the path, "" where it has none."""

    route: DataRoute
    model: str
    version: str


class RouteTable:
    """Finds a path's route. One without parts is a single look-up.

    Args:
        routes: By whole path, or, for one with parts, ``/v2/models/{model}`` and at most one
            segment behind it; a version may stand between the two.
    """

    _PREFIX = "/v2/models/"
    # Statistics of all models: the one name that a model can't be described by.
    _NO_MODEL = "/v2/models/stats"

    def __init__(self, routes: Iterable[DataRoute]) -> None:
        self._exact: dict[str, RouteMatch] = {}
        self._actions: dict[str, DataRoute] = {}
        for route in routes:
            if "{" in route.path:
                self._actions[route.path.partition("{model}")[2].lstrip("/")] = route
            else:
                self._exact[route.path] = RouteMatch(route, "", "")

    def find(self, path: str) -> RouteMatch | None:
        """The route, or None where the path is not of the data plane."""
        found = self._exact.get(path)
        if found is None and path.startswith(self._PREFIX) and path != self._NO_MODEL:
            return self._by_parts(path[len(self._PREFIX) :].split("/"))
        return found

    @property
    def late_paths(self) -> frozenset[str]:
        """Those whose body may carry the credential."""
        return frozenset(path for path, match in self._exact.items() if match.route.late)

    def _by_parts(self, parts: list[str]) -> RouteMatch | None:
        model, rest, version = parts[0], parts[1:], ""
        if len(rest) >= 2 and rest[0] == "versions":
            version, rest = rest[1], rest[2:]
        route = self._actions.get(rest[0] if rest else "") if len(rest) < 2 else None
        return RouteMatch(route, model, version) if route is not None and model else None


def data_routes(server: ServerConfig) -> list[DataRoute]:
    """Every route that replicas answer, with its path there."""
    own, audio = server.timeout_s, server.audio_timeout_s
    native = (
        ("/predict", None, own),
        ("/synthesize", AUDIO_SERVICE, audio),
        ("/transcribe", AUDIO_SERVICE, audio),
    )
    # OpenAI's clients can't say how long they wait, and texts take as long as speech.
    openai = (
        ("/v1/embeddings", INFERENCE_SERVICE, own),
        ("/v1/completions", INFERENCE_SERVICE, audio),
        ("/v1/chat/completions", INFERENCE_SERVICE, audio),
        ("/v1/audio/speech", AUDIO_SERVICE, audio),
        ("/v1/audio/transcriptions", AUDIO_SERVICE, audio),
        ("/v1/audio/translations", AUDIO_SERVICE, audio),
    )
    model = "/v2/models/{model}"
    return [
        *(
            DataRoute(
                p,
                p,
                routing_fields,
                service,
                s,
                late=True,
                takes_jobs=True,
                tasks=_TASKS.get(p, _ANY),
            )
            for p, service, s in native
        ),
        *(DataRoute(p, p, routing_fields, service, s, tasks=_TASKS[p]) for p, service, s in openai),
        DataRoute(f"{model}/infer", "/v2/infer", v2_fields, INFERENCE_SERVICE, own),
        DataRoute(model, "/v2/model", no_fields, INFERENCE_SERVICE, own, "GET"),
        DataRoute(f"{model}/config", "/v2/config", no_fields, INFERENCE_SERVICE, own, "GET"),
    ]
