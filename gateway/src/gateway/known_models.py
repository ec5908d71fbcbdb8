"""The models of the fleet by name: the registry's records, the catalogue, what is built in."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from fleetserve.built_in import SPEECH_MODELS
from fleetserve.errors import ModelNotFoundError
from fleetserve.model_records import ModelRecord, ModelState, canonical_name
from fleetserve.tasks import Task, service_for_task
from gateway.catalogue import Offer

BUILT_IN = ModelRecord(
    name="example",
    task=Task.TENSOR,
    state=ModelState.READY,
    revision="built-in",
    source="built-in",
    input_rank=1,
    created_at=1_709_164_800.0,  # The day that its weights are seeded with.
)


@dataclass(frozen=True, slots=True)
class Target:
    """Where requests for a model go."""

    record: ModelRecord
    service: str


class KnownModels:
    """For the event loop's thread only.

    Args:
        catalogue: What POST /models/download can fetch under its own name.
        aliases: Other names of models, such as tts-1, each with the models it may mean: the
            first that is here is it.
    """

    def __init__(
        self,
        catalogue: Iterable[Offer] = (),
        aliases: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self._offers = {canonical_name(offer.name): offer for offer in catalogue}
        self._offered_aliases = sorted(aliases or {})
        self._aliases = {
            canonical_name(alias): [canonical_name(name) for name in names]
            for alias, names in (aliases or {}).items()
        }
        self._targets: dict[str, Target] = {}
        self._by_canonical: dict[str, str] = {}
        self.replace([])

    def replace(self, records: Iterable[ModelRecord]) -> None:
        """The whole list anew."""
        self._targets = {}
        self._by_canonical = {}
        for record in (BUILT_IN, *SPEECH_MODELS, *records):
            self.put(record)

    def put(self, record: ModelRecord) -> bool:
        """A record was added or has changed; a deleted one is forgotten.

        Returns whether a waiting request may fare differently now; progress alone is no change.
        """
        before = self._targets.get(record.name)
        canonical = canonical_name(record.name)
        if record.state is ModelState.DELETED:
            self._targets.pop(record.name, None)
            if self._by_canonical.get(canonical) == record.name:
                del self._by_canonical[canonical]
            return before is not None
        self._targets[record.name] = Target(record, service_for_task(record.task))
        self._by_canonical[canonical] = record.name
        return before is None or (before.record.state, before.record.download_id) != (
            record.state,
            record.download_id,
        )

    def records(self) -> list[ModelRecord]:
        return [target.record for target in self._targets.values()]

    def aliases(self) -> list[tuple[str, Target]]:
        """Other names of models that are here."""
        named = ((alias, self.get(alias)) for alias in self._offered_aliases)
        return [(alias, target) for alias, target in named if target is not None]

    def get(self, name: str) -> Target | None:
        """The model of that name, spelt with _ or -, or of that alias; None: not here."""
        target = self._targets.get(name)
        if target is not None:
            return target
        meant = (self._by_canonical.get(canonical) for canonical in self._meant(name))
        return next((self._targets[known] for known in meant if known is not None), None)

    def ready(self, name: str) -> Target | None:
        """The first that a name may mean and whose files are here."""
        known = (self._by_canonical.get(canonical) for canonical in self._meant(name))
        targets = (self._targets[found] for found in known if found is not None)
        return next((one for one in targets if one.record.state is ModelState.READY), None)

    def find(self, name: str) -> Target:
        """The model, as ``get`` finds it.

        Raises: ModelNotFoundError: with the nearest names and how to get it.
        """
        target = self.get(name)
        if target is None:
            raise ModelNotFoundError(name, self._hint(self._meant(name)[0]))
        return target

    def offer(self, name: str) -> Offer | None:
        """The first of the catalogue that a name may mean, here or not."""
        return next((self._offers[one] for one in self._meant(name) if one in self._offers), None)

    def _meant(self, name: str) -> list[str]:
        """The canonical names that a name may mean, the likeliest first; at least one."""
        canonical = canonical_name(name)
        return self._aliases.get(canonical, [canonical])

    def _hint(self, canonical: str) -> str:
        if canonical in self._offers:
            return (
                f"It is in the catalogue: POST /models/download with its entry of GET "
                f"/models/available ({self._offers[canonical].name}) fetches it."
            )
        offered = {canonical: offer.name for canonical, offer in self._offers.items()}
        names = {**offered, **self._by_canonical}
        near = [names[n] for n in difflib.get_close_matches(canonical, list(names), n=3)]
        hint = f"Near names: {', '.join(near)}. " if near else ""
        return (
            f"{hint}GET /models lists what is here, GET /models/available the catalogue; "
            f"POST /models/download fetches any other from the hub."
        )
