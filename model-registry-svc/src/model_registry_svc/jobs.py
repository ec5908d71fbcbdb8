"""The kinds of the registry's jobs, and how a new one is made."""

from secrets import token_hex

import msgspec

from fleetserve.jobs.ledger.base import Job
from fleetserve.model_records import canonical_name
from model_registry_svc.plan import DeleteRequest, DownloadJob

DOWNLOAD_KIND = "download"
DELETE_KIND = "delete"

_decode = msgspec.json.Decoder(DownloadJob).decode


def new_download(wanted: DownloadJob) -> Job:
    """A job that is not recorded yet; two spellings of a name are one subject."""
    return Job(
        id=f"dl-{token_hex(8)}",
        kind=DOWNLOAD_KIND,
        subject=canonical_name(wanted.request.name),
        request=msgspec.json.encode(wanted),
    )


def new_deletion(name: str) -> Job:
    """See new_download."""
    return Job(
        id=f"rm-{token_hex(8)}",
        kind=DELETE_KIND,
        subject=canonical_name(name),
        request=msgspec.json.encode(DeleteRequest(name)),
    )


def read_download(job: Job) -> DownloadJob:
    return _decode(job.request)
