"""What a fleet consists of: one line per service."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

REDIS = "redis"


@dataclass(frozen=True, slots=True)
class ServiceTemplate:
    """How a service is run as local processes.

    Attributes:
        module: What ``python -m`` starts.
        replicas: The config section whose ``replicas`` says how many there are at the start;
            None: one, and the engine creates no others.
        public: It listens on BIND:PORT; all others on a free loopback port.
        serves_http: It announces an address and answers /health/ready; else it is a worker.
        computes: It runs models and gets a share of the cores (TORCH_THREADS).
        grace_s: How long it may take to end before it is killed.
        stop_first: It ends before the others do, so that what it has accepted is answered.
    """

    name: str
    module: str
    replicas: Literal["inference", "audio"] | None = None
    public: bool = False
    serves_http: bool = True
    computes: bool = False
    grace_s: float = 15.0
    stop_first: bool = False


FLEET: tuple[ServiceTemplate, ...] = (
    ServiceTemplate("gateway", "gateway", public=True, stop_first=True, grace_s=35.0),
    ServiceTemplate("jobs-worker", "gateway.jobs", serves_http=False),
    ServiceTemplate(
        "inference-svc", "inference_svc", replicas="inference", computes=True, grace_s=35.0
    ),
    ServiceTemplate("audio-svc", "audio_svc", replicas="audio", computes=True, grace_s=35.0),
    ServiceTemplate("model-registry-svc", "model_registry_svc"),
    ServiceTemplate("model-registry-worker", "model_registry_svc.worker", serves_http=False),
    ServiceTemplate("gpu-svc", "gpu_svc"),
    ServiceTemplate("auth-svc", "auth_svc"),
    ServiceTemplate("autoscaler-svc", "autoscaler_svc"),
)


def find_template(templates: Iterable[ServiceTemplate], name: str) -> ServiceTemplate | None:
    return next((template for template in templates if template.name == name), None)
