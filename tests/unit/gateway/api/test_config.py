import httpx

from fleetserve.settings import ServiceSettings
from gateway.api.answers import ConfigAnswer


async def test_each_value_says_where_it_came_from(client: httpx.AsyncClient) -> None:
    body = (await client.get("/config")).json()
    ConfigAnswer.model_validate(body)
    logging = body["configuration"]["logging"]
    assert logging["stdout"] == {
        "value": False,
        "source": "environment FLEETSERVE_LOGGING__STDOUT",
    }
    assert logging["level"] == {"value": "info", "source": "default"}
    assert body["logging_config"]["stdout"] is False
    assert set(body["inference_config"]) == {
        "device_type",
        "batch_size",
        "use_fp16",
        "enable_profiling",
    }


async def test_every_key_is_there_and_no_secret(
    client: httpx.AsyncClient, settings: ServiceSettings
) -> None:
    answer = await client.get("/config")
    sections = settings.config.model_dump()
    shown = answer.json()["configuration"]
    assert {s: set(keys) for s, keys in shown.items()} == {s: set(k) for s, k in sections.items()}
    assert settings.redis_url not in answer.text
