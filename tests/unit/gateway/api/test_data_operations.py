import pytest

from fleetserve.config import ServerConfig
from gateway.api.data_operations import OPERATIONS, DataOperation
from gateway.data_routes import RouteTable, data_routes


@pytest.mark.parametrize(
    "operation", [op for op in OPERATIONS if op.request], ids=lambda operation: operation.path
)
def test_examples_are_what_their_schema_takes(operation: DataOperation) -> None:
    assert operation.request is not None
    assert operation.examples
    for example in operation.examples.values():
        operation.request.model_validate(example["value"])


def test_every_data_route_is_described() -> None:
    routes = data_routes(ServerConfig())
    described = {(op.path, op.method.upper()) for op in OPERATIONS}
    assert {(route.path, route.method) for route in routes} <= described
    table = RouteTable(routes)
    assert all(table.find(op.path) is not None for op in OPERATIONS)
