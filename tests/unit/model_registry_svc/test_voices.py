import json
from pathlib import Path

import pytest

from fleetserve.clock import ManualClock
from fleetserve.errors import ConflictError, InvalidFieldError, ModelNotFoundError, NotFoundError
from fleetserve.manifest import Manifest, ManifestFile, publish_manifest, revision_dir
from fleetserve.voices import OwnVoice, read_voices
from model_registry_svc.library import Library
from model_registry_svc.voices import MAX_VOICES, VoiceBook
from tests.unit.model_registry_svc.test_recordings import record

SIZE = 4
VECTOR = [0.5, -1.0, 2.0, 0.0]


def publish(models_dir: Path, name: str, config: object) -> None:
    file = ManifestFile("voices/clara.npy", 1, "")
    manifest = Manifest(name, "local", name, "r", "text-to-speech", (file,), 0, 0.0)
    folder = revision_dir(models_dir, manifest)
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(config))
    publish_manifest(models_dir, manifest)


def publish_vallex(models_dir: Path) -> None:
    names = ("vallex-checkpoint.pt", "presets/alan.npz")
    files = tuple(ManifestFile(name, 1, "") for name in names)
    publish_manifest(
        models_dir, Manifest("vall-e-x", "local", "v", "r", "text-to-speech", files, 0, 0.0)
    )


@pytest.fixture
def book(tmp_path: Path) -> VoiceBook:
    publish(tmp_path, "my_voice", {"speaker_embedding_dim": SIZE})
    publish(tmp_path, "plain", {"model_type": "vits"})
    publish_vallex(tmp_path)
    return VoiceBook(Library(tmp_path), ManualClock(7.0))


def test_voice_is_kept_replaced_and_removed(book: VoiceBook, tmp_path: Path) -> None:
    assert not book.put("my-voice", "anna", VECTOR)
    assert read_voices(tmp_path, "my_voice")["anna"].embedding == tuple(VECTOR)
    assert book.put("my_voice", "anna", [1.0] * SIZE)
    assert read_voices(tmp_path, "my_voice")["anna"].embedding == (1.0,) * SIZE
    book.remove("my_voice", "anna")
    assert read_voices(tmp_path, "my_voice") == {}
    with pytest.raises(NotFoundError, match="there are none"):
        book.remove("my_voice", "anna")


@pytest.mark.parametrize("name", ["", "a/b", "..", ".hidden", "a b", "x" * 65, "ä", "a\n"])
def test_names_that_are_no_names_are_refused(book: VoiceBook, name: str) -> None:
    with pytest.raises(InvalidFieldError, match="name"):
        book.put("my_voice", name, VECTOR)


@pytest.mark.parametrize("name", ["default", "neutral", "clara"])
def test_presets_are_not_replaced(book: VoiceBook, name: str) -> None:
    with pytest.raises(ConflictError, match=name):
        book.put("my_voice", name, VECTOR)


@pytest.mark.parametrize(
    "vector", [VECTOR[:3], [*VECTOR, 1.0], [0.0] * SIZE, [float("nan")] * SIZE, [1e999] * SIZE]
)
def test_what_is_no_voice_is_refused(book: VoiceBook, vector: list[float]) -> None:
    with pytest.raises(InvalidFieldError, match="embedding"):
        book.put("my_voice", "anna", vector)


def test_model_without_vectors_and_unknown_model_are_told(book: VoiceBook) -> None:
    with pytest.raises(InvalidFieldError, match="takes no voices"):
        book.put("plain", "anna", VECTOR)
    for call in (lambda: book.put("nobody", "a", VECTOR), lambda: book.remove("nobody", "a")):
        with pytest.raises(ModelNotFoundError):
            call()


def test_there_is_a_most(book: VoiceBook, tmp_path: Path) -> None:
    for number in range(MAX_VOICES):
        book.put("my_voice", f"v{number}", VECTOR)
    with pytest.raises(ConflictError, match="the most"):
        book.put("my_voice", "one-more", VECTOR)
    assert book.put("my_voice", "v0", VECTOR)
    assert read_voices(tmp_path, "my_voice")["v0"] == OwnVoice(tuple(VECTOR), 7.0)


def recordings(models_dir: Path) -> set[str]:
    return {path.name for path in (models_dir / "vall-e-x").glob("voice-*")}


def test_recording_is_kept_beside_the_manifest_until_nobody_speaks_like_it(
    book: VoiceBook, tmp_path: Path
) -> None:
    assert not book.put_recording("vall-e-x", "anna", record(), " Good morning. ")
    (first,) = recordings(tmp_path)
    assert read_voices(tmp_path, "vall-e-x")["anna"] == OwnVoice((), 7.0, first, "Good morning.")
    book.put_recording("vall-e-x", "bo", record(), "Good morning.")
    assert recordings(tmp_path) == {first}
    assert book.put_recording("vall-e-x", "anna", record(2.0), "Hello.")
    assert len(recordings(tmp_path)) == 2
    book.remove("vall-e-x", "bo")
    assert recordings(tmp_path) == {read_voices(tmp_path, "vall-e-x")["anna"].recording}
    book.remove("vall-e-x", "anna")
    assert recordings(tmp_path) == set()


def test_recording_that_is_one_voice_too_many_is_not_left_behind(
    book: VoiceBook, tmp_path: Path
) -> None:
    for number in range(MAX_VOICES):
        book.put_recording("vall-e-x", f"v{number}", record(), "Hello.")
    before = recordings(tmp_path)
    with pytest.raises(ConflictError, match="the most"):
        book.put_recording("vall-e-x", "one-more", record(2.0), "Hello.")
    assert recordings(tmp_path) == before


@pytest.mark.parametrize("name", ["alan", "unprompted"])
def test_presets_are_not_replaced_by_recordings(book: VoiceBook, name: str) -> None:
    with pytest.raises(ConflictError, match=name):
        book.put_recording("vall-e-x", name, record(), "Hello.")


@pytest.mark.parametrize("transcript", ["", "  ", "日本", "a" * 401])
def test_recording_needs_its_words(book: VoiceBook, transcript: str) -> None:
    with pytest.raises(InvalidFieldError, match="transcript"):
        book.put_recording("vall-e-x", "anna", record(), transcript)


def test_models_that_take_no_recordings_say_what_they_take_and_who_does(
    book: VoiceBook, tmp_path: Path
) -> None:
    with pytest.raises(InvalidFieldError, match=r"vectors of 4 numbers.*no encoder.*: vall-e-x"):
        book.put_recording("my_voice", "anna", record(), "Hello.")
    with pytest.raises(InvalidFieldError, match="plain takes no recordings"):
        book.put_recording("plain", "anna", record(), "Hello.")
    with pytest.raises(InvalidFieldError, match="send it a recording"):
        book.put("vall-e-x", "anna", VECTOR)
    (tmp_path / "vall-e-x" / "manifest.json").unlink()
    with pytest.raises(InvalidFieldError, match="none is here yet, the catalogue has it"):
        book.put_recording("plain", "anna", record(), "Hello.")
