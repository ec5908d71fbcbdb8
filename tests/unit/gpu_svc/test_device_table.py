from gpu_svc.device_table import cpu_table, gpu_table
from tests.unit.gpu_svc.conftest import make_devices


async def test_each_gpu_is_a_row() -> None:
    table = await gpu_table(make_devices("rtx_4090"))
    (row,) = table.rows
    told = dict(zip(table.columns, row, strict=True))
    assert told["GPU"] == "NVIDIA GeForce RTX 4090"
    assert (told["compute capability"], told["suitable"]) == ("8.9", "yes")
    assert 0 < told["MiB free"] <= told["MiB"]


async def test_without_a_gpu_the_page_says_why() -> None:
    table = await gpu_table(make_devices(None))
    assert (table.rows, "Not Found" in table.empty) == ([], True)


async def test_processor_is_a_row() -> None:
    table = await cpu_table(make_devices(None))
    assert table.rows == [["Test CPU", 4.0, 32_000.0, 16_000.0, 0.5]]
