from importlib import import_module

import pytest

from fleetserve.cli.parser import COMMANDS, build_parser


def test_every_command_has_a_module_that_runs_it() -> None:
    for module in COMMANDS.values():
        assert callable(import_module(module).run)


def test_help_shows_every_command_and_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        build_parser().parse_args(["--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    for command in COMMANDS:
        assert command.split()[0] in shown
    assert "fleetserve say" in shown


@pytest.mark.parametrize("command", [name for name in COMMANDS if name != "config check"])
def test_each_command_has_a_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        build_parser().parse_args([command, "--help"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: fleetserve {command}")


@pytest.mark.parametrize("arguments", [[], ["config"], ["serve"], ["predict", "m"], ["say"]])
def test_incomplete_command_lines_exit_with_the_usage(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        build_parser().parse_args(arguments)
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("usage: fleetserve")
