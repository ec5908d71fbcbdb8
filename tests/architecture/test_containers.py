"""What Dockerfiles and docker-compose.yml keep to, so that it is seen without an engine."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.architecture.checkout import Checkout
from tests.architecture.conftest import Sample

COMPOSE = Path("docker-compose.yml")
COMMON_END = "\nRUN python install.py shared\n"
TORCH = {"inference-svc", "audio-svc"}
# All of these want BuildKit or a registry.
REFUSED = re.compile(
    r"^#\s*syntax=|--mount=|--chmod|--link|--parents|--start-interval|<<-?[\"'A-Z]"
)
TEMPLATES = {"inference-svc": "inference-replica", "audio-svc": "audio-replica"}
HARDENED = {
    "init": True,
    "read_only": True,
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges:true"],
}


def _dockerfiles(checkout: Checkout) -> dict[str, str]:
    paths = [path for path in checkout.files if path.name == "Dockerfile"]
    return {path.parts[0]: checkout.text(path) for path in paths}


def unshared_layers(checkout: Checkout) -> list[str]:
    """A layer is shared only when every instruction up to it is the same."""
    texts = _dockerfiles(checkout)
    heads = {text.partition(COMMON_END)[0] for text in texts.values()}
    found = [f"{len(heads)} different beginnings of Dockerfiles"] if len(heads) > 1 else []
    with_torch = {
        text[: text.find("\n\n", text.find("$TORCH_PACKAGES"))]
        for folder, text in texts.items()
        if folder in TORCH
    }
    return found + (["torch's layer is not shared"] if len(with_torch) > 1 else [])


def unportable_instructions(checkout: Checkout) -> list[str]:
    return [
        f"{folder}/Dockerfile:{number}: not every builder takes this"
        for folder, text in _dockerfiles(checkout).items()
        for number, line in enumerate(text.splitlines(), 1)
        if REFUSED.search(line)
    ]


def wrong_ends(checkout: Checkout) -> list[str]:
    found = []
    for folder, text in _dockerfiles(checkout).items():
        package = folder.replace("-", "_")
        if f'\nENTRYPOINT ["python", "-m", "{package}"]\n' not in text:
            found.append(f"{folder}/Dockerfile: the entry point must be the package, in exec form")
        if "\nUSER fleetserve\n" not in text:
            found.append(f"{folder}/Dockerfile: it must not run as root")
    return found


def _services(checkout: Checkout) -> dict[str, dict[str, Any]]:
    if COMPOSE not in checkout.files:
        return {}
    loaded: dict[str, dict[str, Any]] = yaml.safe_load(checkout.text(COMPOSE))["services"]
    return loaded


def soft_services(checkout: Checkout) -> list[str]:
    return [
        f"{COMPOSE}: {name}: {key} must be {value}"
        for name, service in _services(checkout).items()
        for key, value in HARDENED.items()
        if service.get(key) != value
    ]


def differing_templates(checkout: Checkout) -> list[str]:
    """What the autoscaler starts must be what runs from the start."""
    services = _services(checkout)
    own = ("build", "profiles", "labels")
    found = []
    for base, template in TEMPLATES.items():
        one, other = (
            {key: value for key, value in services.get(name, {}).items() if key not in own}
            for name in (base, template)
        )
        if one != other:
            found.append(f"{COMPOSE}: {template} differs from {base}")
    return found


def foreign_secrets(checkout: Checkout) -> list[str]:
    found = []
    for name, service in _services(checkout).items():
        owner = {value: key for key, value in TEMPLATES.items()}.get(name, name)
        for volume in service.get("volumes", []):
            if not isinstance(volume, dict) or volume["source"] != "secrets":
                continue
            right = (f"/secrets/{owner}", owner, True)
            told = (volume["target"], volume["volume"]["subpath"], volume.get("read_only"))
            if told != right:
                found.append(f"{COMPOSE}: {name} must have its own secrets alone, read-only")
    return found


def test_images_share_their_layers(checkout: Checkout) -> None:
    assert unshared_layers(checkout) == []


def test_dockerfiles_take_every_builder(checkout: Checkout) -> None:
    assert unportable_instructions(checkout) == []


def test_images_start_their_package_and_not_as_root(checkout: Checkout) -> None:
    assert wrong_ends(checkout) == []


def test_every_container_is_hardened(checkout: Checkout) -> None:
    assert soft_services(checkout) == []


def test_templates_of_replicas_are_as_the_replicas(checkout: Checkout) -> None:
    assert differing_templates(checkout) == []


def test_every_service_gets_its_own_secrets_alone(checkout: Checkout) -> None:
    assert foreign_secrets(checkout) == []


@pytest.fixture
def good(checkout: Checkout) -> dict[str, str]:
    """Files that keep every rule: the checkout's own."""
    paths = [COMPOSE, *(Path(folder, "Dockerfile") for folder in ("inference-svc", "audio-svc"))]
    return {str(path): checkout.text(path) for path in paths}


def test_rule_sees_layers_that_are_not_shared(sample: Sample, good: dict[str, str]) -> None:
    text = good["audio-svc/Dockerfile"]
    other_user = good | {"audio-svc/Dockerfile": text.replace("10001", "10002")}
    other_torch = good | {"audio-svc/Dockerfile": text.replace(" safetensors numpy", " numpy")}
    assert unshared_layers(sample(good)) == []
    assert unshared_layers(sample(other_torch)) == ["torch's layer is not shared"]
    assert unshared_layers(sample(other_user)) != []


@pytest.mark.parametrize(
    "line", ["# syntax=docker/dockerfile:1", "RUN --mount=type=cache true", "RUN <<EOF"]
)
def test_rule_sees_an_instruction_of_buildkits_own(sample: Sample, line: str) -> None:
    assert unportable_instructions(sample({"gateway/Dockerfile": f"{line}\n"})) != []


def test_rule_sees_root_and_a_shell(sample: Sample) -> None:
    assert len(wrong_ends(sample({"gateway/Dockerfile": "ENTRYPOINT python -m gateway\n"}))) == 2


@pytest.mark.parametrize(
    ("right", "wrong", "rule"),
    [
        ("  read_only: true\n", "  read_only: false\n", soft_services),
        ("    profiles: [managed]\n", "    user: root\n", differing_templates),
        ("{subpath: gateway}", "{subpath: auth-svc}", foreign_secrets),
    ],
)
def test_rule_sees_a_slip_in_the_compose_file(
    sample: Sample, good: dict[str, str], right: str, wrong: str, rule: Any
) -> None:
    assert rule(sample(good)) == []
    assert rule(sample(good | {str(COMPOSE): good[str(COMPOSE)].replace(right, wrong)})) != []
