"""Carries out what somebody's call asks for, and waits for it if that is wanted."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from secrets import token_hex

from autoscaler_svc.fleet_state import FleetState
from autoscaler_svc.intents.base import Floor
from autoscaler_svc.observer import INTENTS_EVERY_S
from autoscaler_svc.placer import Placer
from autoscaler_svc.ports import Ports
from autoscaler_svc.scaler import Scaler
from autoscaler_svc.scaling import (
    Aim,
    Order,
    PlannedStep,
    aims_of,
    is_reached,
    is_woken,
    limited,
    planned_steps,
)
from fleetserve.clock import Clock
from fleetserve.errors import (
    ConflictError,
    DeadlineError,
    ModelNotFoundError,
    UnavailableError,
)

WAIT_S = 300.0
POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class Scaling:
    """An order that was taken; ``began_s`` is monotonic."""

    id: str
    order: Order
    aims: tuple[Aim, ...]
    steps: tuple[PlannedStep, ...]
    began_s: float


class Manual:
    """For the event loop. The floors that it sets hold until somebody asks for another number."""

    def __init__(self, scaler: Scaler, placer: Placer, ports: Ports, clock: Clock) -> None:
        self._scaler = scaler
        self._placer = placer
        self._fleet = ports.fleet
        self._intents = ports.intents
        self._clock = clock

    async def scale(self, order: Order) -> Scaling:
        """Takes the order; it is carried out from now on.

        Raises: UnavailableError: nobody could carry it out now; and as ``aims_of``.
        """
        policies = await self._fleet.policies()
        pinned = frozenset(name for name, policy in policies.items() if policy.pinned)
        # It may have been pinned or unpinned a moment ago.
        state = dataclasses.replace(self._state(), pinned=pinned)
        try:
            found = aims_of(order, state)
        except ModelNotFoundError:
            # It may have come a moment ago.
            state = dataclasses.replace(state, records=await self._fleet.models())
            found = aims_of(order, state)
        aims = [self._limited(aim, order, state) for aim in found]
        began_s = self._clock.monotonic_s()
        scaling_id = f"scale-{token_hex(6)}"
        for aim in aims:
            await self._intents.put_floor(
                Floor(
                    aim.target,
                    aim.service,
                    aim.instances,
                    self._clock.now_s(),
                    scaling_id,
                    order.reason,
                    order.force,
                )
            )
        self._scaler.nudge()
        steps = [
            step for aim in aims for step in planned_steps(aim, state.services[aim.service], state)
        ]
        return Scaling(scaling_id, order, tuple(aims), tuple(steps), began_s)

    def took_s(self, scaling: Scaling) -> float:
        """Since it was taken."""
        return self._clock.monotonic_s() - scaling.began_s

    async def wait(self, scaling: Scaling) -> None:
        """Returns when it is so.

        Raises: ConflictError: somebody asked for another number meanwhile. DeadlineError: it
        took longer than WAIT_S; it goes on. What a replica refused a model with.
        """
        seen = False
        while True:
            state = self._scaler.state
            if state is not None and not self._scaler.problem:
                known = scaling.id in state.known_scalings
                seen = seen or known
                if seen and self._is_so(scaling, state, known=known):
                    return
            if self._clock.monotonic_s() - scaling.began_s > WAIT_S:
                raise DeadlineError(
                    f"It is not so after {WAIT_S:.0f} s, and goes on; GET /autoscaler/stats shows"
                    " how far it is."
                )
            if self._scaler.stopping:
                raise UnavailableError("The autoscaler is stopping; ask again.", retry_after_s=5)
            await self._clock.sleep(POLL_S)

    async def forget(self, model: str) -> None:
        """Nobody's number of that model holds any more; what is loaded stays.

        Raises: UnavailableError: what was asked for can't be reached, or is not known yet.
        """
        floor = (await self._intents.floors()).get(model)
        if floor is None:
            return
        await self._intents.drop_floor(model, floor.scaling_id)
        self._scaler.nudge()
        begin_s = self._clock.monotonic_s()
        while model in self._state().floors or self._is_fresh_to_leader(begin_s):
            await self._clock.sleep(POLL_S)

    def _is_fresh_to_leader(self, since_s: float) -> bool:
        """Another one leads, which looks at what was asked for at its own pace."""
        seconds = self._clock.monotonic_s() - since_s
        return not self._state().leads and seconds < 2 * INTENTS_EVERY_S

    def _is_so(self, scaling: Scaling, state: FleetState, *, known: bool) -> bool:
        """Raises: ConflictError: it is not, and will not be; what a replica refused."""
        if not known:
            if all(is_woken(aim, state) for aim in scaling.aims):
                return True
            raise ConflictError(
                "Somebody has asked for another number meanwhile.", code="superseded"
            )
        waiting = [aim for aim in scaling.aims if not is_reached(aim, state)]
        self._raise_refusal(waiting, scaling)
        return not waiting

    def _raise_refusal(self, waiting: Sequence[Aim], scaling: Scaling) -> None:
        for aim in waiting:
            refusal = self._placer.refusal(aim.target, scaling.began_s)
            if refusal is not None:
                raise refusal

    def _limited(self, aim: Aim, order: Order, state: FleetState) -> Aim:
        most = self._scaler.most_by_hand(state.services[aim.service])
        return limited(aim, most, state.config.min_replicas, force=order.force)

    def _state(self) -> FleetState:
        state = self._scaler.state
        problem = self._scaler.problem or (state.engine_away if state is not None else "")
        if state is None or problem:
            raise UnavailableError(f"Nothing can be scaled now: {problem}", retry_after_s=5)
        return state
