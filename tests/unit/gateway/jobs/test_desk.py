import msgspec
import pytest

from fleetserve.auth.principals import Principal, PrincipalKind
from fleetserve.auth.scopes import Scope
from fleetserve.errors import ConflictError, NotFoundError
from fleetserve.jobs.ledger.base import JobNotFoundError, JobState
from gateway.jobs import desk as desk_module
from gateway.jobs.desk import FORGET_AFTER_S, Viewer
from gateway.jobs.order import JobOrder
from gateway.jobs.work import Outcome, read_work
from tests.unit.gateway.jobs.conftest import Office

ADA, BOB, ALL = Viewer("user:ada"), Viewer("user:bob"), Viewer(None)


def ids(office: Office, viewer: Viewer, limit: int = 10, **which: object) -> list[str]:
    return [job.id for job in office.desk.page(viewer, limit, **which).jobs]  # type: ignore[arg-type]


def test_admins_and_open_fleets_see_all() -> None:
    user = Principal("user:ada", PrincipalKind.USER, frozenset({Scope.PREDICT}), "user")
    admin = Principal("user:root", PrincipalKind.USER, frozenset({Scope.ADMIN}), "user")
    assert Viewer.of(None) == Viewer.of(admin) == ALL
    assert Viewer.of(user) == ADA


def test_list_has_ones_own_jobs_the_newest_first(office: Office) -> None:
    made = [office.take(order=JobOrder(f"user:{name}")).job.id for name in ("ada", "bob", "ada")]
    assert ids(office, ADA) == [made[2], made[0]]
    assert ids(office, BOB) == [made[1]]
    assert ids(office, ALL) == made[::-1]


def test_list_goes_on_where_the_page_ended(office: Office) -> None:
    made = [office.take().job.id for _ in range(3)][::-1]
    first = office.desk.page(ADA, 2)
    assert [job.id for job in first.jobs] == made[:2]
    second = office.desk.page(ADA, 2, before=first.next_before)
    assert [job.id for job in second.jobs] == made[2:]
    assert second.next_before is None


def test_list_can_be_of_one_state(office: Office) -> None:
    made = [office.take().job.id for _ in range(3)]
    office.settle()
    assert ids(office, ADA, state=JobState.SUCCEEDED) == [made[0]]
    assert ids(office, ADA, 1, state=JobState.SUCCEEDED) == [made[0]]
    assert ids(office, ADA, state=JobState.QUEUED) == [made[2], made[1]]


def test_list_looks_at_so_many_and_says_where_to_go_on(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk_module, "LOOKS", 1)
    oldest, *_ = [office.take().job.id for _ in range(3)]
    office.settle()
    page = office.desk.page(ADA, 1, state=JobState.SUCCEEDED)
    assert page.jobs == []
    assert page.next_before is not None
    monkeypatch.setattr(desk_module, "LOOKS", 5)
    page = office.desk.page(ADA, 1, state=JobState.SUCCEEDED, before=page.next_before)
    assert [job.id for job in page.jobs] == [oldest]


def test_job_whose_record_ran_out_is_forgotten_but_not_one_that_is_being_made(
    office: Office,
) -> None:
    office.index.add("user:ada", "job-gone")
    assert ids(office, ADA) == []
    assert len(office.index.page("user:ada", 9, None)) == 1
    office.clock.move(FORGET_AFTER_S + 1)
    assert ids(office, ADA) == []
    assert office.index.page("user:ada", 9, None) == []


def test_jobs_of_others_do_not_exist(office: Office) -> None:
    job = office.take().job
    for ask in (office.desk.read, office.desk.cancel, office.desk.result):
        with pytest.raises(JobNotFoundError):
            ask(BOB, job.id)
    assert office.desk.read(ADA, job.id).id == job.id
    assert office.ledger.read(job.id).state is JobState.QUEUED


def test_cancelled_job_is_so_at_once_and_its_webhook_is_called(office: Office) -> None:
    job = office.take(order=JobOrder("user:ada", webhook_url="http://a.example/")).job
    assert office.desk.cancel(ADA, job.id).state is JobState.CANCELLED
    assert office.desk.cancel(ADA, job.id).state is JobState.CANCELLED
    claimed = office.webhook_ledger.claim("w")
    assert claimed is not None
    assert claimed[0].id == job.id


def test_cancelling_what_is_finished_changes_nothing(office: Office) -> None:
    job = office.take().job
    office.settle()
    assert office.desk.cancel(ADA, job.id).state is JobState.SUCCEEDED


def test_result_is_the_file_that_the_record_names(office: Office) -> None:
    job = office.take().job
    with pytest.raises(ConflictError, match="queued"):
        office.desk.result(ADA, job.id)
    leased = office.claim()
    path = office.files.new_result(read_work(job).folder, 1)
    path.write_bytes(b"RIFF")
    outcome = Outcome(200, path.name, "audio/wav", 4)
    office.ledger.settle(leased.lease, JobState.SUCCEEDED, msgspec.json.encode(outcome))
    found = office.desk.result(ADA, job.id)
    assert (found.path.read_bytes(), found.outcome) == (b"RIFF", outcome)
    office.files.remove(read_work(job).folder)
    with pytest.raises(NotFoundError, match="gone"):
        office.desk.result(ADA, job.id)
