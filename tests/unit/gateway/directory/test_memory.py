from fleetserve.model_records import ModelState
from gateway.directory.memory import MemoryDirectory
from gateway.known_models import KnownModels
from gateway.replica_table import ReplicaTable
from tests.unit.gateway.fleet import announced, recorded


def test_what_is_told_reaches_table_and_models(table: ReplicaTable, models: KnownModels) -> None:
    directory = MemoryDirectory(table, models)
    directory.announce(announced("i1"))
    directory.record(recorded("m", ModelState.DOWNLOADING))
    assert len(table.all()) == 1
    assert models.find("m").record.state is ModelState.DOWNLOADING
