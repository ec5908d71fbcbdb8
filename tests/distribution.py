"""Which tests one worker runs together, and in which order workers take them up."""

from xdist.scheduler import LoadFileScheduling

SHARED = "tests/integration/test_"
# These files start fleets of their own; all others beside them use the one of the session.
ALONE = frozenset(
    f"{SHARED}{name}.py" for name in ("first_calls", "first_use", "idle", "job_faults", "manage")
)


class Distribution(LoadFileScheduling):
    """A file is one worker's; so are all that use the shared fleet, which else starts in each.

    What takes longest comes first: integration tests, then the short files in their order.
    """

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return SHARED if file.startswith(SHARED) and file not in ALONE else file

    def schedule(self) -> None:
        self.config.option.loadscopereorder = False  # By how many tests a file has.
        super().schedule()
