"""The bodies of /models/download, as they are on the wire."""

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from model_registry_svc.download_view import DownloadStatus
from model_registry_svc.orders import DownloadOrder

MINILM = "sentence-transformers/all-MiniLM-L6-v2"
DOWNLOAD_EXAMPLE: dict[str, Any] = {
    "source": "huggingface",
    "model_id": MINILM,
    "name": "all-MiniLM-L6-v2",
}
_FILE_EXAMPLE: dict[str, Any] = {
    "path": "model.safetensors",
    "size": 90868376,
    "bytes_done": 45434188,
}


class SourceName(StrEnum):
    """Where models come from; tts_auto is the hub, with all that a voice needs."""

    HUGGINGFACE = "huggingface"
    URL = "url"
    PYTORCH_HUB = "pytorch_hub"
    TORCHVISION = "torchvision"
    LOCAL = "local"
    TTS_AUTO = "tts_auto"


class DownloadBody(BaseModel):
    """A model to fetch into the models volume."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [DOWNLOAD_EXAMPLE]})

    source: SourceName = Field(description="Where it comes from.")
    model_id: Annotated[str, StringConstraints(min_length=1, max_length=2048)] = Field(
        description="The hub's id, the address of a file (#sha256=… pins it), a folder's path, "
        "torchvision's resnet50 or resnet50/IMAGENET1K_V2, or pytorch/vision/resnet50.",
        examples=[MINILM],
    )
    name: str = Field(
        description="What requests call it: letters, digits, '.', '_', '-'. whisper_base and "
        "whisper-base are one name.",
        examples=["all-MiniLM-L6-v2"],
    )
    revision: Annotated[str, StringConstraints(min_length=1, max_length=256)] | None = Field(
        None, description="Branch, tag or commit; the newest of the main branch when left out."
    )
    task: str | None = Field(
        None, description="Worked out from the source when left out.", examples=["summarization"]
    )
    include_vocoder: bool = Field(
        False, description="With the vocoder that SpeechT5 needs to speak."
    )
    vocoder_model: str | None = Field(
        None, description="Another vocoder than microsoft/speecht5_hifigan."
    )
    auto_convert_tts: bool = Field(
        False,
        description="It has to speak: a model that rewrites text becomes a voice of two stages, "
        "which a speech model says; any other that does not speak is a 422.",
    )
    enable_large_model: bool = Field(
        False,
        description="Taken for older clients: nothing is refused for its size while there is room.",
    )
    experimental: bool = Field(
        False, description="Taken for older clients: no model is refused as experimental."
    )
    allow_pickle: bool = Field(
        False, description="Take .bin weights where there is no safetensors file; weights only."
    )
    input_rank: Annotated[int, Field(ge=0, le=8)] | None = Field(
        None, description="For tensor models: the rank of one input."
    )
    wait: bool = Field(False, description="Answer when it is done (at most 300 s).")
    load: bool = Field(True, description="Load it into a replica when it has come.")
    token: str | None = Field(None, description="A credential, for clients that send no header.")

    def order(self) -> DownloadOrder:
        """What the domain calls it; a vocoder that is not spoken of is left to the catalogue."""
        said = "include_vocoder" in self.model_fields_set
        return DownloadOrder(
            source=self.source.value,
            model_id=self.model_id,
            name=self.name,
            revision=self.revision,
            task=self.task,
            include_vocoder=self.include_vocoder if said else None,
            vocoder_model=self.vocoder_model,
            auto_convert_tts=self.auto_convert_tts,
            allow_pickle=self.allow_pickle,
            input_rank=self.input_rank,
            load=self.load,
        )


class DownloadInfo(BaseModel):
    """What is to come; None where the worker has yet to ask the source."""

    bytes_total: int | None
    files: list[str]
    revision: str | None
    task: str | None
    vocoder_included: bool
    vocoder_model: str | None
    warnings: list[str]


class DownloadAnswer(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "success": True,
                    "download_id": "dl-5f0c1b7a9d3e2f48",
                    "message": "all-MiniLM-L6-v2 is being downloaded: 11 files, 91 MB.",
                    "model_name": "all-MiniLM-L6-v2",
                    "source": "huggingface",
                    "model_id": MINILM,
                    "status": "downloading",
                    "estimated_time": 9,
                    "download_info": {
                        "bytes_total": 91569713,
                        "files": ["config.json", "model.safetensors"],
                        "revision": "c9745ed1d9f207416be6d2e6f8de32d1f16199bf",
                        "task": "sentence-similarity",
                        "vocoder_included": False,
                        "vocoder_model": None,
                        "warnings": [],
                    },
                }
            ]
        }
    )

    success: Literal[True] = True
    download_id: str = Field(description="For /models/download/status/{id}.")
    message: str
    model_name: str
    source: str
    model_id: str
    status: Literal["downloading", "already_exists", "completed"]
    estimated_time: int | None = Field(
        description="Seconds, from the rate of the worker's last download; null before the first."
    )
    download_info: DownloadInfo


class FileStatus(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    path: str
    size: int
    bytes_done: int


class DownloadStatusAnswer(BaseModel):
    """How far a download is; bytes_done never falls, over restarts neither."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "success": True,
                    "download_id": "dl-5f0c1b7a9d3e2f48",
                    "model_name": "all-MiniLM-L6-v2",
                    "source": "huggingface",
                    "model_id": MINILM,
                    "status": "downloading",
                    "progress": 49.87,
                    "bytes_done": 45665334,
                    "bytes_total": 91569713,
                    "bytes_per_s": 10485760.0,
                    "eta": 5,
                    "message": "Downloading.",
                    "code": "",
                    "revision": "c9745ed1d9f207416be6d2e6f8de32d1f16199bf",
                    "warnings": [],
                    "files": [_FILE_EXAMPLE],
                    "created_at": 1767225600.0,
                    "updated_at": 1767225604.2,
                }
            ]
        },
    )

    success: Literal[True] = True
    download_id: str
    model_name: str
    source: str
    model_id: str
    status: DownloadStatus
    progress: float = Field(description="Percent; 100 when the model can be used.", ge=0, le=100)
    bytes_done: int
    bytes_total: int
    bytes_per_s: float
    eta: int | None = Field(description="Seconds; null while it can't be told.")
    message: str
    code: str = Field(description="Why it failed, as in error answers; empty otherwise.")
    revision: str
    warnings: list[str]
    files: list[FileStatus]
    created_at: float
    updated_at: float


class StoredFile(BaseModel):
    path: str
    size: int
    sha256: str


class ModelInfoAnswer(BaseModel):
    """A model on the volume, or on its way there."""

    success: Literal[True] = True
    name: str
    state: str
    source: str
    model_id: str
    revision: str
    task: str
    size_mb: float
    disk_mb: float = Field(description="With earlier revisions and partial files.")
    vocoder: str | None
    warnings: list[str]
    loaded_on: list[str]
    downloaded_at: str | None
    download_id: str
    message: str
    files: list[StoredFile]


class DeleteAnswer(BaseModel):
    success: Literal[True] = True
    model_name: str
    message: str
    freed_mb: float
    still_loaded_on: list[str] = Field(description="Replicas that keep it until they unload it.")
