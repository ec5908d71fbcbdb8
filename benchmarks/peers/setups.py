"""The servers that are compared: how each is started and asked."""

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import httpx

from benchmarks.peers.environments import ENVIRONMENTS, ROOT, environment
from benchmarks.processes import JSON_HEADERS, Server, children, command_line, free_port
from benchmarks.tensors import MODEL as TENSOR_MODEL
from benchmarks.tensors import publish, write_request
from tests.hub.minilm import REPO_ID, make_minilm, minilm_folder
from tests.hub.server import HubServer

SERVERS = Path(__file__).parent / "servers"
SUM, EMBED, TENSOR = "sum", "embed", "tensor"
ECHO = "echo"
NUMBERS = [1, 2, 3, 4, 5]
TENSOR_BYTES = 4 << 20
# One compute thread each, which sleeps where it has nothing to do.
ONE_THREAD = {
    "TORCH_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OMP_WAIT_POLICY": "PASSIVE",
    "TOKENIZERS_PARALLELISM": "false",
    "HF_HUB_OFFLINE": "1",
}
QUIET = {
    "DO_NOT_TRACK": "1",
    "BENTOML_DO_NOT_TRACK": "True",
    "INFINITY_ANONYMOUS_USAGE_STATS": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
}
RAY = {
    "RAY_SERVE_ENABLE_HA_PROXY": "1",
    "RAY_SERVE_THROUGHPUT_OPTIMIZED": "1",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}


UVICORN = "{bin}/python -m uvicorn --no-access-log --log-level error --port {port}"
OCTETS = {"Content-Type": "application/octet-stream"}
FORM = {"Content-Type": "multipart/form-data; boundary=benchmark"}
FORM_HEAD = (
    b'--benchmark\r\nContent-Disposition: form-data; name="content"; filename="tensor"\r\n'
    b"Content-Type: application/octet-stream\r\n\r\n"
)
FORM_END = b"\r\n--benchmark--\r\n"


@dataclass(frozen=True, slots=True)
class Running:
    """A server that can be asked.

    Attributes:
        pid: The whole tree below it belongs to the server.
        core: What serves requests, where other processes belong to the tree too.
    """

    base: str
    pid: int
    ready_s: float
    core: tuple[int, ...] = ()


class Setup(Protocol):
    """One server of the comparison.

    ``body``, ``headers`` and ``vector`` translate: a request for a workload, the embedding in an
    answer.
    """

    name: str
    serves: tuple[str, ...]

    def install(self) -> None: ...
    def running(self, *workloads: str) -> AbstractContextManager[Running]: ...
    def path(self, workload: str) -> str: ...
    def body(self, workload: str, text: str = "") -> bytes: ...
    def headers(self, workload: str) -> dict[str, str]: ...
    def vector(self, answer: object) -> list[float]: ...


class Peer:
    """Somebody else's server, from an environment of its own and a file of servers/."""

    folder = SERVERS

    def __init__(self, name: str, command: str) -> None:
        self.name = name
        self.serves: tuple[str, ...] = (SUM, EMBED, TENSOR)
        self._command = command

    def install(self) -> None:
        self.home()

    def home(self) -> Path:
        """The environment's folder."""
        return environment(self.name)

    @contextmanager
    def running(self, *workloads: str) -> Iterator[Running]:
        port, binaries = free_port(), self.home() / "bin"
        places = {"bin": str(binaries), "port": str(port), "minilm": str(minilm_folder())}
        variables = {
            "PATH": f"{binaries}:{os.defpath}",
            "HOME": tempfile.gettempdir(),
            "SERVES": ",".join(workloads),
            "MINILM": str(minilm_folder()),
            **ONE_THREAD,
            **QUIET,
            **RAY,
        }
        base = f"http://127.0.0.1:{port}"
        server = Server(
            [part.format(**places) for part in self._command.split()],
            base + self.path(workloads[0]),
            ready_body=self.body(workloads[0], "Ready?"),
            ready_headers=self.headers(workloads[0]),
            environment=variables,
            folder=self.folder,
            log=ENVIRONMENTS / f"{self.name}.log",
        )
        with server:
            yield Running(base, server.pid, server.ready_s)

    def path(self, workload: str) -> str:
        return f"/{workload}"

    def body(self, workload: str, text: str = "") -> bytes:
        if workload == TENSOR:
            return bytes(TENSOR_BYTES)
        return json.dumps({"input": NUMBERS if workload == SUM else text}).encode()

    def headers(self, workload: str) -> dict[str, str]:
        return OCTETS if workload == TENSOR else JSON_HEADERS

    def vector(self, answer: object) -> list[float]:
        assert isinstance(answer, dict)
        vector: list[float] = answer["output"]
        return vector


class LitServe(Peer):
    """Reads JSON and forms alone, so its tensor is a form's file."""

    def body(self, workload: str, text: str = "") -> bytes:
        content = super().body(workload, text)
        return b"%b%b%b" % (FORM_HEAD, content, FORM_END) if workload == TENSOR else content

    def headers(self, workload: str) -> dict[str, str]:
        return FORM if workload == TENSOR else super().headers(workload)


class BentoML(Peer):
    """Its batched endpoints take and give lists; the app that is mounted has a path of its own."""

    def path(self, workload: str) -> str:
        return super().path(workload) + ("/" if workload == TENSOR else "")

    def body(self, workload: str, text: str = "") -> bytes:
        if workload == EMBED:
            return json.dumps({"inputs": [text]}).encode()
        return super().body(workload, text)

    def vector(self, answer: object) -> list[float]:
        assert isinstance(answer, list)
        return super().vector(answer[0])


class Infinity(Peer):
    """Embeds and nothing else, by OpenAI's route."""

    def __init__(self, name: str, command: str) -> None:
        super().__init__(name, command)
        self.serves = (EMBED,)

    def path(self, workload: str) -> str:
        return "/embeddings"

    def body(self, workload: str, text: str = "") -> bytes:
        return json.dumps({"model": "minilm", "input": [text]}).encode()

    def vector(self, answer: object) -> list[float]:
        assert isinstance(answer, dict)
        vector: list[float] = answer["data"][0]["embedding"]
        return vector


class Fleetserve:
    """This checkout's fleet, as `make run` starts it, with one replica of one compute thread.

    From an environment of its own, like the others: that of the tests has packages that no user
    has, such as scikit-learn, which transformers imports where it is (65 MiB).
    """

    name = "fleetserve"
    serves: tuple[str, ...] = (SUM, EMBED, TENSOR)

    def __init__(self, folder: Path) -> None:
        self._home = folder / "home"
        self._folder = folder
        self._tensor = folder / "tensor.bin"
        self._head_length = 0

    def install(self) -> None:
        """Downloads the text model once, from a hub on this machine; exports the tensor's."""
        publish(self._home / "models")
        self._head_length = write_request(self._tensor)
        make_minilm(self._folder / "hub")
        with HubServer(root=self._folder / "hub") as hub, self.running(SUM, hub=hub.url) as fleet:
            wanted = {"source": "huggingface", "model_id": REPO_ID, "name": "minilm", "wait": True}
            url = f"{fleet.base}/models/download"
            httpx.post(url, json=wanted, timeout=120).raise_for_status()

    def python(self) -> Path:
        """The environment's interpreter."""
        return environment(self.name, ROOT / "requirements.lock") / "bin" / "python"

    @contextmanager
    def running(self, *workloads: str, hub: str = "") -> Iterator[Running]:
        port = free_port()
        variables = {
            "PATH": os.defpath,
            "PORT": str(port),
            "FLEETSERVE_HOME": str(self._home),
            "FLEETSERVE_AUTOSCALER__MAX_REPLICAS": "1",
            "TORCH_THREADS": "1",
            "HF_ENDPOINT": hub,
        }
        base = f"http://127.0.0.1:{port}"
        server = Server(
            [str(self.python()), "-m", "fleetserve.cli", "up"],
            base + self.path(workloads[0]),
            ready_body=self.body(workloads[0], "Ready?"),
            ready_headers=self.headers(workloads[0]),
            environment=variables,
        )
        with server:
            commands = {pid: command_line(pid) for pid in children(server.pid)}
            core = tuple(
                pid
                for pid, command in commands.items()
                if command.strip().endswith(("-m gateway", "-m inference_svc"))
            )
            yield Running(base, server.pid, server.ready_s, core)

    def path(self, workload: str) -> str:
        return f"/v2/models/{TENSOR_MODEL}/infer" if workload == TENSOR else "/predict"

    def body(self, workload: str, text: str = "") -> bytes:
        if workload == TENSOR:
            return self._tensor.read_bytes()
        if workload == SUM:
            return b'{"model_name":"example","inputs":[1,2,3,4,5]}'
        return json.dumps({"model_name": "minilm", "inputs": text}).encode()

    def headers(self, workload: str) -> dict[str, str]:
        if workload == TENSOR:
            return OCTETS | {"Inference-Header-Content-Length": str(self._head_length)}
        return JSON_HEADERS

    def vector(self, answer: object) -> list[float]:
        assert isinstance(answer, dict)
        vector: list[float] = answer["result"]
        return vector


class Echo(Peer):
    """No server but the limit of one: the least that uvicorn can do with a request."""

    folder = ROOT

    def __init__(self) -> None:
        super().__init__(ECHO, f"{UVICORN} benchmarks.rivals:echo")
        self.serves = (SUM,)

    def home(self) -> Path:
        return Path(sys.prefix)


PEERS: tuple[Peer, ...] = (
    Peer("mosec", "{bin}/python mosec_server.py --address 127.0.0.1 --port {port} --timeout 60000"),
    Peer("ray", "{bin}/python ray_server.py {port}"),
    LitServe("litserve", "{bin}/python litserve_server.py {port}"),
    BentoML("bentoml", "{bin}/bentoml serve bentoml_server:Peer --host 127.0.0.1 --port {port}"),
    Infinity(
        "infinity",
        "{bin}/infinity_emb v2 --model-id {minilm} --served-model-name minilm --engine torch"
        " --device cpu --dtype float32 --no-bettertransformer --batch-size 32"
        " --host 127.0.0.1 --port {port}",
    ),
    Peer("naive", f"{UVICORN} naive:app"),
    Echo(),
)
