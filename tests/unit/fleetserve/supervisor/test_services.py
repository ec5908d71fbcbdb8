from fleetserve.supervisor.services import FLEET, find_template
from fleetserve.tokens import CALLS


def test_names_are_unique_and_known_to_the_tokens() -> None:
    names = [template.name for template in FLEET]
    assert len(set(names)) == len(names)
    known = set(CALLS) | {audience for audiences in CALLS.values() for audience in audiences}
    assert set(names) <= known


def test_one_service_is_public_and_it_ends_first() -> None:
    assert [t.name for t in FLEET if t.public] == ["gateway"]
    assert [t.name for t in FLEET if t.stop_first] == ["gateway"]


def test_replicas_are_what_computes() -> None:
    assert [t.name for t in FLEET if t.replicas] == [t.name for t in FLEET if t.computes]


def test_find_template_finds_by_name() -> None:
    template = find_template(FLEET, "audio-svc")
    assert template is not None
    assert template.module == "audio_svc"
