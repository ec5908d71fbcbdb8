import os
import signal
from collections.abc import AsyncIterator

import pytest

from fleetserve.supervisor.interrupts import Interrupts


@pytest.fixture
async def interrupts() -> AsyncIterator[Interrupts]:
    interrupts = Interrupts()
    yield interrupts
    interrupts.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_signal_asks(interrupts: Interrupts, number: signal.Signals) -> None:
    os.kill(os.getpid(), number)
    await interrupts.asked.wait()
    assert not interrupts.insisted.is_set()


def insists(interrupts: Interrupts, *numbers: signal.Signals) -> bool:
    for number in numbers:
        interrupts.receive(number)
    return interrupts.insisted.is_set()


async def test_second_ctrl_c_insists(interrupts: Interrupts) -> None:
    assert insists(interrupts, signal.SIGINT, signal.SIGINT)


async def test_ctrl_c_after_sigterm_insists(interrupts: Interrupts) -> None:
    assert insists(interrupts, signal.SIGTERM, signal.SIGINT)


async def test_what_service_managers_send_does_not_insist(interrupts: Interrupts) -> None:
    assert not insists(interrupts, signal.SIGTERM, signal.SIGHUP, signal.SIGTERM)
