"""`edge302 version` and `edge302 completion`."""

from typing import Final

import click

ENABLE: Final = {
    "bash": 'eval "$(edge302 completion bash)"    # in ~/.bashrc',
    "zsh": 'eval "$(edge302 completion zsh)"    # in ~/.zshrc, after compinit',
    "fish": "edge302 completion fish | source    # in ~/.config/fish/config.fish",
}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def version(*, as_json: bool) -> None:
    """Print the version."""
    from redirect_core import __version__

    click.echo(f'{{"version": "{__version__}"}}' if as_json else f"edge302 {__version__}")


@click.command()
@click.argument("shell", type=click.Choice(list(ENABLE)))
def completion(shell: str) -> None:
    """Print the script that completes commands in SHELL; its first line says how to enable it."""
    from click.shell_completion import get_completion_class

    from edge302.cli.app import cli

    kind = get_completion_class(shell)
    assert kind is not None  # every shell of the choice is one of click's own
    click.echo(f"# To complete edge302's commands: {ENABLE[shell]}")
    click.echo(kind(cli, {}, "edge302", "_EDGE302_COMPLETE").source())
