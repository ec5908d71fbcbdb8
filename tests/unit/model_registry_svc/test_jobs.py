from model_registry_svc.jobs import new_deletion, new_download, read_download
from model_registry_svc.plan import DownloadJob, DownloadPlan, DownloadRequest, VoiceFile

REQUEST = DownloadRequest(
    "Whisper_Base", "huggingface", "org/m", voices=(VoiceFile("v", "https://x", "ab" * 32, 1),)
)


def test_download_survives_the_wire() -> None:
    wanted = DownloadJob(REQUEST, DownloadPlan("rev", "fill-mask", ()))
    assert read_download(new_download(wanted)) == wanted


def test_two_spellings_are_one_subject_for_downloads_and_deletions() -> None:
    assert new_download(DownloadJob(REQUEST)).subject == new_deletion("whisper-base").subject


def test_ids_differ_and_are_fit_for_addresses() -> None:
    first, second = new_download(DownloadJob(REQUEST)), new_download(DownloadJob(REQUEST))
    assert first.id != second.id
    assert first.id.startswith("dl-")
    assert first.id.replace("-", "").isalnum()
