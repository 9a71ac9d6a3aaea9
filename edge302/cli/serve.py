"""`edge302 up`, `gateway`, `api`, `shipper`, `relay` and `ingest`: run a node or a part of it until a signal."""

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
    """Run a whole node: edge, control plane, shipper, with Redis a relay, with ClickHouse an ingest worker.

    Ctrl-C drains and exits.
    """
    _run(ctx, None, flags)


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


@click.command()
@options.flags("data", "metrics_port")
@click.pass_context
def relay(ctx: click.Context, /, **flags: str | None) -> None:
    """Run the relay alone: carry changes from PostgreSQL into Redis.

    One of all relays works; the others stand by. It needs EDGE302_DATABASE_URL and EDGE302_REDIS_URL.
    """
    from shortlink.settings import BadSetting

    if options.settings(flags).redis_url is None:
        raise BadSetting("EDGE302_REDIS_URL: a relay carries changes into Redis; say where that is")
    _run(ctx, ("relay",), flags)


@click.command()
@options.flags("data", "metrics_port")
@click.pass_context
def ingest(ctx: click.Context, /, **flags: str | None) -> None:
    """Run an ingest worker alone: carry clicks from Kafka into ClickHouse, each once.

    Any number of them share the work. It needs EDGE302_KAFKA_BOOTSTRAP_SERVERS and EDGE302_CLICKHOUSE_URL.
    """
    from shortlink.settings import BadSetting

    if options.settings(flags).clickhouse_url is None:
        raise BadSetting("EDGE302_CLICKHOUSE_URL: ingest carries clicks from Kafka into ClickHouse; say where that is")
    _run(ctx, ("ingest",), flags)


def _run(ctx: click.Context, roles: tuple[str, ...] | None, flags: dict[str, str | None]) -> None:
    """Run these roles; None: all that a node has."""
    settings = options.settings(flags)
    from edge302 import supervisor
    from edge302.roles import of_a_node

    ctx.exit(supervisor.run(roles or of_a_node(settings), settings))


def _stop_with_stdin() -> None:
    """Stop this process when its standard input ends: then the command that started it is gone, killed or not."""
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)
