"""What carries requests to replicas: the same in the gateway and in the worker of jobs."""

from collections.abc import Callable

from fleetserve.request_watch import RequestWatch
from fleetserve.runtime import ServiceRuntime
from gateway.bodies import BodyStore
from gateway.carrier import AcceptJob, Carrier
from gateway.catalogue import read_catalogue
from gateway.demand import DemandPublisher
from gateway.dispatcher import Dispatcher
from gateway.download_orders import DownloadOrders
from gateway.first_use import FetchRule, FirstUse
from gateway.forwarder import Forwarder, TokenGate
from gateway.known_models import KnownModels
from gateway.prober import Prober
from gateway.replica_table import ReplicaTable
from gateway.service_calls import ServiceCalls
from gateway.two_stage import SpeechChoice, TwoStageVoices
from gateway.upstream.base import Upstream
from gateway.waiting_room import WaitingRoom

MIB = 1024 * 1024


class DataPath:
    """The parts, put together over one runtime; they connect to nothing yet."""

    def __init__(self, runtime: ServiceRuntime, upstream: Callable[[], Upstream]) -> None:
        settings, clock = runtime.settings, runtime.clock
        server = settings.config.server
        self._runtime = runtime
        self.table = ReplicaTable(clock)
        self.models = KnownModels(*read_catalogue(settings.catalogue_path))
        self.room = WaitingRoom(
            self.table,
            clock,
            max_requests=server.hold_requests,
            max_bytes=server.hold_mib * MIB,
            hold_s=server.hold_s,
        )
        self.dispatcher = Dispatcher(
            self.table, self.models, self.room, upstream, runtime.signer, clock, runtime.metrics
        )
        audio = settings.config.audio
        speech = SpeechChoice(self.models, audio.speech_model)
        self.calls = ServiceCalls(self.table, upstream, runtime.signer, clock)
        orders = DownloadOrders(self.calls, self.table, clock)
        # The model that speaks for another one may be used for the first time too.
        speakers = FirstUse(self.dispatcher, self.models, self.room, orders, clock)
        voices = TwoStageVoices(speakers, speech, clock, audio.max_text_chars)
        self.first_use = FirstUse(voices, self.models, self.room, orders, clock)
        self.bodies = BodyStore(
            settings.cache_dir / "spool",
            max_body=server.max_file_mb * MIB,
            spool_above=server.spool_above_kib * 1024,
            max_total=server.buffered_mib * MIB,
        )
        self.prober = Prober(self.table, self.calls, clock)
        self.demand = DemandPublisher(
            runtime.redis,
            runtime.keys,
            settings.replica_id,
            self.dispatcher.demand,
            self.room.demand,
            clock,
        )

    def carrier(self, accept: AcceptJob | None = None) -> Carrier:
        watch = RequestWatch(self._runtime.clock)
        accept = self.first_use.accepting(accept) if accept is not None else None
        return Carrier(self._runtime, self.bodies, self.first_use, watch, accept)

    def forwarder(
        self,
        carrier: Carrier,
        gate: TokenGate,
        *,
        takes_jobs: bool = False,
        priority: int = 0,
        fetches: bool = True,
    ) -> Forwarder:
        """``fetches``: a request for a model of the catalogue may have it fetched."""
        policy = self._runtime.settings.config.models.auto_download
        return Forwarder(
            self.models,
            carrier,
            gate,
            FetchRule(policy if fetches else "never"),
            takes_jobs=takes_jobs,
            priority=priority,
        )
