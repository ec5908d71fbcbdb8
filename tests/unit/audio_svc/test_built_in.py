from audio_svc.app import FAMILIES
from audio_svc.built_in import built_in_specs
from audio_svc.families import family_of

MB = 1_000_000


def test_files_of_every_built_in_model_are_in_the_package_and_small() -> None:
    total = 0
    for name, spec in built_in_specs().items():
        assert spec.folder is not None
        family = family_of(spec.folder, name, FAMILIES)
        assert (family.model_type, family.task) == (name, spec.task)
        assert family.read(spec.folder).missing == ""
        total += sum(file.stat().st_size for file in spec.folder.iterdir())
    assert 1 * MB < total < 12 * MB


def test_expected_memory_is_what_they_take() -> None:
    for spec in built_in_specs().values():
        assert spec.folder is not None
        engine = FAMILIES[spec.name].load(spec.folder, "cpu")
        assert 0.7 < spec.expected_bytes / engine.storage_bytes < 1.4
