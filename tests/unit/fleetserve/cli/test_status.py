import httpx

from tests.unit.fleetserve.cli.conftest import MakeShell, routes

HEALTH = {
    "healthy": True,
    "status": "degraded",
    "checks": {
        "redis": {"healthy": True, "latency_ms": 0.31, "detail": "answers"},
        "audio-svc": {"healthy": False, "latency_ms": None, "detail": "not running"},
    },
}
INFO = {
    "version": "0.1.0",
    "replicas": [
        {
            "id": "inference-svc-1",
            "service": "inference-svc",
            "address": "http://127.0.0.1:41123",
            "state": "ready",
            "device": "cpu",
            "in_flight": 3,
            "capacity": 64,
            "models": [{"name": "example", "state": "ready", "bytes": 3 * 2**20}],
        }
    ],
}


def test_status_shows_services_replicas_and_models(shell: MakeShell) -> None:
    answers = {
        "GET /health": httpx.Response(200, json=HEALTH),
        "GET /info": httpx.Response(200, json=INFO),
    }
    sh = shell(routes({**answers}))
    assert sh("status") == 0
    assert sh.out == (
        "http://127.0.0.1:8000   degraded   fleetserve 0.1.0\n"
        "\n"
        "SERVICE     STATE   LATENCY   DETAIL\n"
        "redis       ok      0.3 ms    answers\n"
        "audio-svc   DOWN              not running\n"
        "\n"
        "REPLICA           STATE   DEVICE   IN FLIGHT   ADDRESS\n"
        "inference-svc-1   ready   cpu      3/64        http://127.0.0.1:41123\n"
        "\n"
        "MODEL     STATE   REPLICA           MEMORY\n"
        "example   ready   inference-svc-1   3 MiB\n"
    )


def test_fleet_that_cannot_serve_is_shown_and_exits_1(shell: MakeShell) -> None:
    health = {"healthy": False, "status": "down", "checks": {}}
    answers = {
        "GET /health": httpx.Response(503, json=health),
        "GET /info": httpx.Response(200, json={"replicas": None}),
    }
    sh = shell(routes({**answers}))
    assert sh("status") == 1
    assert "down" in sh.out
    assert "REPLICA" not in sh.out


def test_refusal_is_an_error_like_any_other(shell: MakeShell) -> None:
    refused = {"error": "Not authenticated", "detail": "Send a token.", "code": "unauthorized"}
    answers = {
        "GET /health": httpx.Response(200, json=HEALTH),
        "GET /info": httpx.Response(401, json=refused),
    }
    sh = shell(routes({**answers}))
    assert sh("status") == 1
    assert sh.err.startswith("fleetserve: Not authenticated\n  Send a token.\n")
