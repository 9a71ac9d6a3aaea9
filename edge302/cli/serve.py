"""`edge302 up`, `gateway`, `api` and `shipper`: run a node or a part of it until a signal."""

import os
import signal
import sys
import threading

import click

from edge302.cli import options


@click.command()
@options.flags("data", "host", "port", "api_port", "metrics_port", "workers", "engine", "uds", "public_url")
@click.pass_context
def up(ctx: click.Context, /, **flags: str | None) -> None:
    """Run a whole node: edge, control plane and shipper. Ctrl-C drains and exits."""
    _run(ctx, ("gateway", "shipper", "api"), flags)


@click.command()
@options.flags("data", "host", "port", "metrics_port", "workers", "engine", "uds", "public_url")
@click.pass_context
def gateway(ctx: click.Context, /, **flags: str | None) -> None:
    """Run the edge alone: answer short links."""
    _run(ctx, ("gateway",), flags)


@click.command()
@options.flags("data", "host", "port", "api_port", "metrics_port", "public_url")
@click.option("--stop-with-stdin", is_flag=True, hidden=True)
@click.pass_context
def api(ctx: click.Context, /, *, stop_with_stdin: bool, **flags: str | None) -> None:
    """Run the control plane alone. --port and --public-url say what its short URLs look like."""
    if stop_with_stdin:
        threading.Thread(target=_stop_with_stdin, daemon=True).start()
    _run(ctx, ("api",), flags)


@click.command()
@options.flags("data", "metrics_port")
@click.pass_context
def shipper(ctx: click.Context, /, **flags: str | None) -> None:
    """Run the shipper alone: count clicks from the spool."""
    _run(ctx, ("shipper",), flags)


def _run(ctx: click.Context, roles: tuple[str, ...], flags: dict[str, str | None]) -> None:
    settings = options.settings(flags)
    from edge302 import supervisor

    ctx.exit(supervisor.run(roles, settings))


def _stop_with_stdin() -> None:
    """Stop this process when its standard input ends: then the command that started it is gone, killed or not."""
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)
