import msgspec

from fleetserve.usage import ModelUsage, Usage


def used(seconds: float, *sizes: int, last_s: float = 0.0) -> ModelUsage:
    """What a replica counted: one request of each size, each in a batch of its own."""
    usage = Usage(inputs=sum(sizes), last_s=last_s)
    for size in sizes:
        usage.success.add(seconds)
        usage.ran(size, seconds / 2)
    return ModelUsage("m", "r", {"cpu": 100}, usage)


def test_replicas_are_added_up() -> None:
    one, other = used(1.0, 1, 8, last_s=7.0), used(4.0, 8, last_s=3.0)
    other.usage.fail.add(2.0)
    one.merge(other)
    usage = one.usage
    assert (usage.success.count, usage.success.seconds) == (3, 6.0)
    assert (usage.fail.count, usage.fail.seconds) == (1, 2.0)
    assert {size: (b.count, b.seconds) for size, b in usage.batches.items()} == {
        1: (1, 0.5),
        8: (2, 2.5),
    }
    assert (usage.inputs, usage.last_s, one.memory) == (17, 7.0, {"cpu": 200})


def test_devices_stay_apart() -> None:
    one, other = used(1.0, 1), used(1.0, 1)
    other.memory = {"cuda:0": 5}
    one.merge(other)
    assert one.memory == {"cpu": 100, "cuda:0": 5}


def test_it_crosses_the_wire() -> None:
    told = used(0.5, 1, 4)
    assert msgspec.json.decode(msgspec.json.encode(told), type=ModelUsage) == told
