"""What a caller orders, and how the catalogue and the configuration complete it; pure."""

from dataclasses import dataclass

from fleetserve.tasks import Task
from model_registry_svc.catalogue import Catalogue, CatalogueEntry
from model_registry_svc.names import check_name
from model_registry_svc.plan import DownloadRequest
from model_registry_svc.planner import DEFAULT_VOCODER, HUB
from model_registry_svc.task_guess import check_task

TTS_AUTO = "tts_auto"


@dataclass(frozen=True, slots=True)
class DownloadOrder:
    """As it was posted; None where the caller said nothing.

    Attributes:
        source: One of the sources, or ``tts_auto``: a speaking model of the hub, with all that
            it needs to speak.
    """

    source: str
    model_id: str
    name: str
    revision: str | None = None
    task: str | None = None
    include_vocoder: bool | None = None
    vocoder_model: str | None = None
    auto_convert_tts: bool = False
    allow_pickle: bool = False
    input_rank: int | None = None
    load: bool = True


@dataclass(frozen=True, slots=True)
class _Known:
    """What the catalogue adds; nothing for a model that is not in it."""

    task: str | None = None
    revision: str | None = None
    include_vocoder: bool = False
    vocoder_model: str | None = None
    allow_pickle: bool = False
    input_rank: int | None = None


def complete(
    order: DownloadOrder,
    catalogue: Catalogue,
    *,
    allow_pickle: bool = False,
    mirrors: bool = True,
) -> DownloadRequest:
    """The request with nothing left open but what the source itself says.

    ``mirrors``: voices may be fetched from elsewhere than the hub.

    Raises: InvalidFieldError: the name or the task can't be.
    """
    source = HUB if order.source == TTS_AUTO else order.source
    speaks = order.source == TTS_AUTO
    entry = _known(catalogue.find(source, order.model_id))
    task = order.task or (Task.TEXT_TO_SPEECH if speaks else entry.task)
    include_vocoder = order.include_vocoder
    if include_vocoder is None:
        include_vocoder = speaks or entry.include_vocoder
    vocoder_model = order.vocoder_model
    if include_vocoder and vocoder_model is None:
        vocoder_model = entry.vocoder_model
    return DownloadRequest(
        name=check_name(order.name),
        source=source,
        model_id=order.model_id,
        revision=order.revision or entry.revision,
        task=check_task(task) if task else None,
        include_vocoder=include_vocoder,
        vocoder_model=vocoder_model,
        allow_pickle=order.allow_pickle or allow_pickle or entry.allow_pickle,
        allow_vocoder_pickle=catalogue.allows_pickle_of_vocoder(vocoder_model or DEFAULT_VOCODER),
        input_rank=entry.input_rank if order.input_rank is None else order.input_rank,
        load=order.load,
        must_speak=speaks or order.auto_convert_tts,
        may_rewrite=order.auto_convert_tts and not speaks,
        voices=catalogue.voice_files(mirrors=mirrors),
    )


def _known(entry: CatalogueEntry | None) -> _Known:
    if entry is None:
        return _Known()
    return _Known(
        task=entry.task,
        revision=entry.revision,
        include_vocoder=entry.include_vocoder,
        vocoder_model=entry.vocoder_model,
        allow_pickle=entry.allow_pickle,
        input_rank=entry.input_rank,
    )
