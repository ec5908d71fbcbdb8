import pytest

from fleetserve.errors import InvalidFieldError, ModelNotFoundError
from fleetserve.replica.pool import ModelPool
from inference_svc.generation.memory import MemoryGenerator
from inference_svc.served import Served
from inference_svc.texts.access import Generators


async def test_a_model_is_held_while_it_is_in_use(
    pool: ModelPool[Served], generator: MemoryGenerator
) -> None:
    generators = Generators(pool)
    async with generators.open("echo") as opened:
        assert (opened.generator, opened.spec.name, opened.cold) == (generator, "echo", True)
        handle = pool.get_ready("echo")
        assert handle is not None
        assert handle.refs == 1
    assert handle.refs == 0
    async with generators.open("echo") as again:
        assert not again.cold


async def test_what_does_not_write_is_refused_by_name(pool: ModelPool[Served]) -> None:
    with pytest.raises(InvalidFieldError, match="it generates no text") as wrong:
        async with Generators(pool).open("lengths"):
            pass
    assert wrong.value.field == "model_name"


async def test_what_is_not_there_is_not_found(pool: ModelPool[Served]) -> None:
    with pytest.raises(ModelNotFoundError):
        async with Generators(pool).open("nope"):
            pass
