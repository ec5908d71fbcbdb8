"""Makes a download's plan: resolves, chooses files, adds the vocoder and the voices."""

import contextlib
from collections.abc import Iterable, Mapping, Sequence

from fleetserve.errors import InvalidFieldError
from fleetserve.manifest import VOCODER_FOLDER, VocoderSource
from fleetserve.tasks import TEXT_TO_TEXT_TASKS, Task
from fleetserve.voices import speaks_like_recordings
from model_registry_svc.plan import DownloadPlan, DownloadRequest, PlannedFile, VoiceFile
from model_registry_svc.selection import select_files
from model_registry_svc.source.base import Artifact, DownloadSource, Resolution, SourceRef
from model_registry_svc.task_guess import check_task, guess_task

DEFAULT_VOCODER = "microsoft/speecht5_hifigan"
TACOTRON2_VOCODER = "speechbrain/tts-hifigan-ljspeech"
VALLEX_CODEC = "facebook/encodec_24khz"
VOICES_FOLDER = "voices"
HUB = "huggingface"
MISSING_RANK = (
    "is missing: a tensor model's file doesn't say how many dimensions one input has. A vector "
    "has 1, an image as channels, height and width 3; one more is a batch."
)


class Planner:
    """Plans downloads from these sources, by the names that callers know them by. Blocking."""

    def __init__(self, sources: Mapping[str, DownloadSource]) -> None:
        self._sources = sources

    def plan(self, request: DownloadRequest) -> DownloadPlan:
        """The files to fetch for this request, at the revision that it means now.

        Raises: what DownloadSource.resolve, select_files and guess_task raise.
        """
        ref = SourceRef(request.model_id, request.revision)
        resolution = self._sources[request.source].resolve(ref)
        chosen = _chosen(resolution, request)
        task = _task(request, resolution, [artifact.path for artifact in chosen])
        if task == Task.TENSOR and request.input_rank is None:
            raise InvalidFieldError("input_rank", MISSING_RANK, code="input_rank_missing")
        files = [PlannedFile(a.path, request.source, a) for a in chosen]
        default = _vocoder_of(request, resolution) if task == Task.TEXT_TO_SPEECH else None
        vocoder, vocoder_files, warnings = self._vocoder(request, default)
        voices = request.voices if default == DEFAULT_VOCODER else ()
        added = [*vocoder_files, *(_voice(voice) for voice in voices)]
        return DownloadPlan(
            revision=resolution.revision,
            task=task,
            files=(*_without_clashes(files, added), *added),
            vocoder=vocoder,
            warnings=tuple(warnings),
            conversion=resolution.conversion,
            two_stage_voice=request.may_rewrite and task in TEXT_TO_TEXT_TASKS,
        )

    def _vocoder(
        self, request: DownloadRequest, default: str | None
    ) -> tuple[VocoderSource | None, list[PlannedFile], list[str]]:
        wanted = request.include_vocoder or request.vocoder_model is not None
        if not wanted:
            missing = (
                f"{request.name} can't speak without a vocoder: post again with "
                '"include_vocoder": true.'
            )
            return None, [], [missing] if default else []
        model_id = request.vocoder_model or default
        if model_id is None:
            return None, [], [f"{request.model_id} needs no vocoder; none was fetched."]
        resolution = self._sources[HUB].resolve(SourceRef(model_id))
        try:
            allowed = request.allow_pickle or request.allow_vocoder_pickle
            chosen = select_files(resolution.artifacts, allow_pickle=allowed)
        except InvalidFieldError as exc:
            raise InvalidFieldError(
                exc.field, f"the vocoder {model_id}: {exc.detail.partition(': ')[2]}", code=exc.code
            ) from exc
        files = [PlannedFile(f"{VOCODER_FOLDER}/{a.path}", HUB, a) for a in chosen]
        return VocoderSource(model_id, resolution.revision), files, []


def _task(request: DownloadRequest, resolution: Resolution, paths: Sequence[str]) -> str:
    """The task that was asked for, else the source's.

    Raises: InvalidFieldError: it is none, can't be told, or does not speak and should.
    """
    told = check_task(request.task) if request.task else guess_task(resolution.hints, paths)
    return _speaking(request, resolution, paths, told) if request.must_speak else told


def _speaking(
    request: DownloadRequest, resolution: Resolution, paths: Sequence[str], told: str
) -> str:
    """The task of a model that is to speak: text-to-speech, or what rewrites a text for it.

    Raises: InvalidFieldError: it does neither.
    """
    found = [told]
    # A source that says nothing may have a model that speaks.
    with contextlib.suppress(InvalidFieldError):
        found.append(guess_task(resolution.hints, paths))
    rewriting = next((task for task in found if task in TEXT_TO_TEXT_TASKS), None)
    if request.may_rewrite and rewriting is not None:
        return rewriting
    silent = next((task for task in found if task != Task.TEXT_TO_SPEECH), None)
    if silent is not None:
        raise InvalidFieldError(
            "model_id",
            f"{request.model_id} is a model for {silent} and does not speak. Source tts_auto is "
            "for models that do (task text-to-speech), auto_convert_tts also for those that "
            f"rewrite text ({', '.join(sorted(TEXT_TO_TEXT_TASKS))}).",
            code="does_not_speak",
        )
    return told


def _chosen(resolution: Resolution, request: DownloadRequest) -> tuple[Artifact, ...]:
    if resolution.conversion:
        # Read by an allow-list and never unpickled by torch, so it needs nobody's permission.
        return resolution.artifacts
    return select_files(resolution.artifacts, allow_pickle=request.allow_pickle)


def _voice(voice: VoiceFile) -> PlannedFile:
    path = f"{VOICES_FOLDER}/{voice.name}.npy"
    artifact = Artifact(path, voice.address, size=voice.size, sha256=voice.sha256)
    without = f"The voice {voice.name!r} could not be fetched; speech uses 'neutral' instead"
    return PlannedFile(path, HUB, artifact, without=without, mirrors=voice.mirrors)


def _vocoder_of(request: DownloadRequest, resolution: Resolution) -> str | None:
    """What a model that makes spectrograms or codes speaks by; None: it speaks by itself."""
    hints = resolution.hints
    if hints.model_type == "speecht5" or any("SpeechT5" in a for a in hints.architectures):
        return DEFAULT_VOCODER
    # Its repositories have no config.json that would say what they are.
    paths = [artifact.path for artifact in resolution.artifacts]
    if any(speaks_like_recordings(path) for path in paths):
        return VALLEX_CODEC
    named = (request.model_id, *paths)
    return TACOTRON2_VOCODER if any("tacotron2" in name.lower() for name in named) else None


def _without_clashes(
    files: Iterable[PlannedFile], added: Iterable[PlannedFile]
) -> list[PlannedFile]:
    """The model's files but those that lie where we put a vocoder or a voice."""
    folders = {file.target.split("/")[0] for file in added}
    return [file for file in files if file.target.split("/")[0] not in folders]
