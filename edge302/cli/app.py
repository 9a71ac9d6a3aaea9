"""The command `edge302`: its subcommands, each loaded only when it is asked for."""

import sys
from importlib import import_module
from typing import Final

import click

from edge302.cli import exits

# Name, where the command is, and its line in `edge302 --help`: so that help and completion load no command.
COMMANDS: Final = {
    "up": ("edge302.cli.serve:up", "Run a whole node: edge, control plane and shipper."),
    "gateway": ("edge302.cli.serve:gateway", "Run the edge alone: answer short links."),
    "api": ("edge302.cli.serve:api", "Run the control plane alone."),
    "shipper": ("edge302.cli.serve:shipper", "Run the shipper alone: count clicks from the spool."),
    "relay": ("edge302.cli.serve:relay", "Run the relay alone: carry changes from PostgreSQL into Redis."),
    "ingest": ("edge302.cli.serve:ingest", "Run an ingest worker alone: carry clicks from Kafka into ClickHouse."),
    "links": ("edge302.cli.links:links", "Add, list, export and import links."),
    "stats": ("edge302.cli.stats:stats", "Tell clicks: of a link or of all, by time, country and the like."),
    "dead-letters": (
        "edge302.cli.dead_letters:dead_letters",
        "Look at clicks that could not be stored in ClickHouse, and store them once that is mended.",
    ),
    "keys": ("edge302.cli.keys:keys", "Create, list and revoke API keys."),
    "backup": ("edge302.cli.backups:backup", "Save links, clicks and spool to one file, while all goes on."),
    "restore": ("edge302.cli.backups:restore", "Put a backup into a data folder that nothing runs on."),
    "doctor": ("edge302.cli.doctor:doctor", "Check this node, and say how to mend what is wrong."),
    "version": ("edge302.cli.about:version", "Print the version."),
    "completion": ("edge302.cli.about:completion", "Print the script that completes commands in a shell."),
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are invoked, and whose errors end in one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(code), meaning) for code, meaning in exits.MEANING.items()])
        super().format_epilog(ctx, formatter)

    def invoke(self, ctx: click.Context) -> object:
        from shortlink.errors import Edge302Error

        try:
            return super().invoke(ctx)
        except Edge302Error as exc:
            click.echo(f"edge302: {exc}", err=True)
            ctx.exit(exits.code_of(exc))
        except BrokenPipeError:  # `edge302 links list | head`: click ends in silence
            raise
        except OSError as exc:
            click.echo(f"edge302: {exc.filename or 'error'}: {exc.strerror or exc}", err=True)
            ctx.exit(exits.FAILED)


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="Every flag of a setting is also a variable: --api-port is EDGE302_API_PORT. A flag wins over the variable.",
)
def cli() -> None:
    """Short links of your own: run them, manage them, look after them."""


def main() -> None:
    """Run the command and exit as `exits` says."""
    try:
        code = cli.main(prog_name="edge302", standalone_mode=False)
    except click.ClickException as exc:
        exc.show()
        code = exc.exit_code
    except (click.Abort, KeyboardInterrupt):
        code = exits.INTERRUPTED
    sys.exit(code if isinstance(code, int) else exits.DONE)
