from fleetserve.cli.errors import CliError


def test_block_indents_all_but_the_first_line() -> None:
    error = CliError("it failed", "because\nof this", "status 500")
    assert error.block() == "fleetserve: it failed\n  because\n  of this\n  status 500"


def test_block_without_details_is_one_line() -> None:
    assert CliError("it failed").block() == "fleetserve: it failed"
