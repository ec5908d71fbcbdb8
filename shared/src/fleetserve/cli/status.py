"""``fleetserve status``: services, replicas and models in one table each."""

from argparse import Namespace
from collections.abc import Iterable, Mapping
from typing import Any

from fleetserve.cli.context import Context
from fleetserve.cli.gateway import Gateway
from fleetserve.cli.table import table

UNHEALTHY_STATUS = 503


def run(_: Namespace, context: Context) -> int:
    """Prints the state of the fleet; 1 when it can't serve."""
    with Gateway(context) as gateway:
        health = gateway.get("/health", also=UNHEALTHY_STATUS)
        info = gateway.get("/info")
    blocks = [
        [f"{context.settings.url}   {health.get('status', 'unknown')}   {_version(info)}"],
        table(("SERVICE", "STATE", "LATENCY", "DETAIL"), _service_rows(health)),
    ]
    replicas = _items(info, "replicas")
    if replicas:
        head = ("REPLICA", "STATE", "DEVICE", "IN FLIGHT", "ADDRESS")
        blocks.append(table(head, (_replica_row(replica) for replica in replicas)))
    models = list(_model_rows(replicas))
    if models:
        blocks.append(table(("MODEL", "STATE", "REPLICA", "MEMORY"), models))
    context.stdout.write("\n\n".join("\n".join(block) for block in blocks) + "\n")
    return 0 if health.get("healthy") else 1


def _version(info: Mapping[str, Any]) -> str:
    return f"fleetserve {info.get('version', '')}".strip()


def _service_rows(health: Mapping[str, Any]) -> Iterable[tuple[str, str, str, str]]:
    checks = health.get("checks")
    for name, check in checks.items() if isinstance(checks, dict) else ():
        fields = check if isinstance(check, dict) else {"healthy": check}
        latency = fields.get("latency_ms")
        yield (
            name,
            "ok" if fields.get("healthy") else "DOWN",
            "" if latency is None else f"{latency:.1f} ms",
            str(fields.get("detail") or ""),
        )


def _replica_row(replica: Mapping[str, Any]) -> tuple[str, str, str, str, str]:
    in_flight, capacity = replica.get("in_flight", 0), replica.get("capacity")
    return (
        str(replica.get("id", "")),
        str(replica.get("state", "")),
        str(replica.get("device", "")),
        f"{in_flight}/{capacity}" if capacity else str(in_flight),
        str(replica.get("address", "")),
    )


def _model_rows(replicas: Iterable[Mapping[str, Any]]) -> Iterable[tuple[str, str, str, str]]:
    for replica in replicas:
        for model in _items(replica, "models"):
            size = model.get("bytes") or 0
            yield (
                str(model.get("name", "")),
                str(model.get("state", "")),
                str(replica.get("id", "")),
                f"{size / 2**20:.0f} MiB" if size else "",
            )


def _items(source: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    found = source.get(key)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []
