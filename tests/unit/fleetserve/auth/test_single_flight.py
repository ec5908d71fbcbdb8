import asyncio

import pytest

from fleetserve.auth.single_flight import SingleFlight


class Question:
    """Waits until it is answered; counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def ask(self) -> str:
        self.asked += 1
        return await asyncio.shield(self.answer)


async def test_who_asks_the_same_meanwhile_gets_the_same_answer() -> None:
    flight: SingleFlight[str] = SingleFlight()
    question = Question()
    waiting = [asyncio.ensure_future(flight.do("a", question.ask)) for _ in range(3)]
    await asyncio.sleep(0)
    question.answer.set_result("yes")
    assert await asyncio.gather(*waiting) == ["yes"] * 3
    assert question.asked == 1


async def test_next_one_asks_again() -> None:
    flight: SingleFlight[str] = SingleFlight()
    question = Question()
    question.answer.set_result("yes")
    await flight.do("a", question.ask)
    await flight.do("a", question.ask)
    assert question.asked == 2


async def test_caller_that_leaves_does_not_end_it_for_the_others() -> None:
    flight: SingleFlight[str] = SingleFlight()
    question = Question()
    leaver = asyncio.ensure_future(flight.do("a", question.ask))
    stayer = asyncio.ensure_future(flight.do("a", question.ask))
    await asyncio.sleep(0)
    leaver.cancel()
    question.answer.set_result("yes")
    assert await stayer == "yes"


async def test_error_is_everybodys_and_is_not_kept() -> None:
    flight: SingleFlight[str] = SingleFlight()
    question = Question()
    question.answer.set_exception(ValueError("no"))
    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            await flight.do("a", question.ask)
    assert question.asked == 2
