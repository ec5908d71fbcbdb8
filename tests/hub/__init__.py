"""A local server that speaks the Hugging Face hub's protocol, with faults on demand.

    with HubServer([HubRepo("org/name", folder)]) as hub:
        HfApi(endpoint=hub.url).model_info("org/name")

The same server runs as a command (``python -m tests.hub``) for containers and by hand.
"""

from tests.hub.faults import Fault, FaultKind
from tests.hub.records import RequestRecord
from tests.hub.repo import HubRepo, RepoKind
from tests.hub.server import HubServer

__all__ = ["Fault", "FaultKind", "HubRepo", "HubServer", "RepoKind", "RequestRecord"]
