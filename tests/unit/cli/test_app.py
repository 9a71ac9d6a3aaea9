"""The command itself: help, flags, bad settings, completion, and what it does not load."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from edge302.cli import exits
from edge302.cli.app import COMMANDS, LazyGroup, cli
from edge302.cli.options import FLAGS


def edge302(*words: str, env: dict[str, str] | None = None) -> Result:
    return CliRunner().invoke(cli, words, prog_name="edge302", env=env)


def test_help_lists_every_command_and_every_exit_code() -> None:
    text = edge302("--help").stdout
    for name in COMMANDS:
        assert f"  {name} " in text
    for code in exits.MEANING:
        assert f"  {code} " in text


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_there_and_has_help(name: str) -> None:
    result = edge302(name, "--help")
    assert result.exit_code == 0
    assert result.stdout.startswith(f"Usage: edge302 {name}")


def test_a_flag_of_a_setting_is_the_same_in_every_command_that_has_it() -> None:
    assert isinstance(cli, LazyGroup)
    ctx = cli.make_context("edge302", ["version"])
    seen = set()
    for name in COMMANDS:
        command = cli.get_command(ctx, name)
        assert command is not None
        for parameter in command.params:
            if parameter.name in FLAGS:
                seen.add(parameter.name)
                assert parameter.opts == [FLAGS[parameter.name][0]]
    assert seen == set(FLAGS)


@pytest.mark.parametrize("command", ["up", "gateway", "api", "shipper"])
def test_a_bad_setting_is_one_line_that_names_its_variable(command: str) -> None:
    result = edge302(command, "--metrics-port", "many")
    assert result.exit_code == exits.BAD_SETTING
    assert result.stderr.count("\n") == 1
    assert "EDGE302_METRICS_PORT" in result.stderr


def test_a_flag_wins_over_its_variable() -> None:
    result = edge302("up", "--port", "wrong", env={"EDGE302_PORT": "1"})
    assert "EDGE302_PORT" in result.stderr
    result = edge302("doctor", "--port", "0", env={"EDGE302_PORT": "wrong", "EDGE302_DATA": "/nonexistent"})
    assert result.exit_code != exits.BAD_SETTING


def test_bad_usage_is_a_bad_setting() -> None:
    assert edge302("links", "list", "--order", "sideways").exit_code == exits.BAD_SETTING
    assert edge302("fly").exit_code == exits.BAD_SETTING


def test_a_folder_that_is_missing_is_not_made_by_looking_into_it(tmp_path: Path) -> None:
    result = edge302("links", "list", "--data", str(tmp_path / "typo"))
    assert result.exit_code == exits.FAILED
    assert "typo" in result.stderr
    assert not (tmp_path / "typo").exists()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_says_how_to_enable_it(shell: str) -> None:
    text = edge302("completion", shell).stdout
    assert text.startswith("# To complete edge302's commands: ")
    assert "_EDGE302_COMPLETE" in text


def test_version_loads_nothing_heavy() -> None:
    script = (
        "import sys; from edge302.cli.app import main\n"
        "try: main()\n"
        "except SystemExit as end: code = end.code\n"
        "print(code, sorted(sys.modules.keys() & {'httpx', 'fastapi', 'apsw', 'uvloop', 'prometheus_client'}))"
    )
    done = subprocess.run([sys.executable, "-c", script, "version"], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "0 []"
