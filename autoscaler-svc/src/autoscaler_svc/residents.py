"""Which models the fleet has loaded, so that what a crash took away is loaded again."""

from collections.abc import Iterable

from fleetserve.announcements import Announcement, InstanceState, ReplicaState

_THERE = (InstanceState.LOADING, InstanceState.READY)


class Residents:
    """Follows the announcements of one service.

    A model is resident once it was ready on a replica. It is one no more when that very process
    has it no longer, so that somebody must have unloaded it; while a replica that is gone, or
    runs anew, has lost it.
    """

    def __init__(self) -> None:
        self._holders: dict[str, dict[str, str]] = {}

    def update(self, announcements: Iterable[Announcement], known: Iterable[str]) -> None:
        """Takes in what is announced now.

        Args:
            announcements: Of this service's replicas.
            known: The models that exist; any other is forgotten.
        """
        by_id = {a.replica_id: a for a in announcements}
        exist = set(known)
        for told in by_id.values():
            for instance in told.models:
                if instance.state is InstanceState.READY and instance.name in exist:
                    self._holders.setdefault(instance.name, {})[told.replica_id] = told.boot_id
        for model in list(self._holders):
            holders = self._holders[model] if model in exist else {}
            kept = {r: b for r, b in holders.items() if _still(model, b, by_id.get(r))}
            serving = {r: b for r, b in kept.items() if _same_run(b, by_id.get(r))}
            # Where it serves elsewhere, nothing was lost.
            self._holders[model] = serving or kept
            if not kept:
                del self._holders[model]

    def forget(self, model: str) -> None:
        """It shall not be loaded again."""
        self._holders.pop(model, None)

    def forget_all(self) -> None:
        self._holders.clear()

    def names(self) -> set[str]:
        return set(self._holders)

    def last_holders(self, model: str) -> set[str]:
        """Ids of the replicas that have it, or had it when they were lost."""
        return set(self._holders.get(model, {}))


def _same_run(boot_id: str, told: Announcement | None) -> bool:
    return told is not None and told.boot_id == boot_id


def _still(model: str, boot_id: str, told: Announcement | None) -> bool:
    """It is there, or was lost; not unloaded on purpose."""
    if told is None or told.boot_id != boot_id or told.state is not ReplicaState.READY:
        return True
    return any(i.name == model and i.state in _THERE for i in told.models)
