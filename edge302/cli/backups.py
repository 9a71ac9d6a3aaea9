"""`edge302 backup` and `edge302 restore`."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edge302.cli import options

if TYPE_CHECKING:
    from shortlink.settings import Settings

FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("file", type=FILE)
@options.flags("data")
def backup(file: Path, **flags: str | None) -> None:
    """Save links, clicks and the spool to FILE, one tar file, while the node goes on.

    API keys are in it by their SHA-256 alone: they work again after a restore, but admin.key, which holds one in
    clear, is left out. An existing FILE is replaced once the new one is whole.
    """
    from edge302.backup import require_sqlite, save
    from redirect_core import __version__
    from shortlink.clock import SystemClock
    from shortlink.datadir import DataFolder

    settings = options.settings(flags)
    require_sqlite(settings)
    manifest = save(DataFolder(settings.data), file.absolute(), SystemClock(), __version__)
    click.echo(f"Saved {len(manifest.members)} files to {file} ({file.stat().st_size:,} bytes).")


@click.command()
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path))
@options.flags("data")
@click.option("--replace", is_flag=True, help="Move what is in the data folder aside first.")
@click.option("--database", is_flag=True, help="PostgreSQL was put back by its own tools: make cached copies void.")
def restore(file: Path | None, *, replace: bool, database: bool, **flags: str | None) -> None:
    """Make the data folder what it was when FILE was made by `edge302 backup`. Stop the node first.

    With --database and without FILE: after the database in EDGE302_DATABASE_URL was put back by pg_restore or from a
    base backup, start a new generation, so that no copy of a link that is newer than the database is answered.
    Gateways and relays are started again afterwards.
    """
    if database == (file is not None):
        raise click.UsageError("Name either the FILE to restore, or --database.")
    if file is None:
        _renew_generation(options.settings(flags))
        return
    from edge302.restore import restore as put_back
    from shortlink.clock import SystemClock
    from shortlink.datadir import DataFolder

    folder = DataFolder(options.settings(flags).data)
    manifest, aside = put_back(file, folder, SystemClock(), replace=replace)
    made = datetime.fromtimestamp(manifest.made_at_ms / 1000, UTC)
    click.echo(f"Restored {folder.root} to {made:%Y-%m-%d %H:%M:%S} UTC.")
    if aside:
        click.echo(f"What was there before is in {aside}; delete it when you don't need it any more.")
    if not folder.admin_key.exists():
        click.echo("The keys of that time work again; `edge302 keys create` makes another.")


def _renew_generation(settings: "Settings") -> None:
    from shortlink.clock import SystemClock
    from shortlink.settings import BadSetting
    from shortlink.stores.opening import postgres_links

    if settings.database_url is None:
        raise BadSetting("EDGE302_DATABASE_URL: --database is for links in PostgreSQL; say where that is")

    async def renew() -> str:
        links = postgres_links(settings, SystemClock(), connections=1, migrate=True)
        try:
            await links.open()
            return await links.new_generation()
        finally:
            await links.close()

    generation = asyncio.run(renew())
    click.echo(f"Started generation {generation}. Start gateways and relays again: what they cached is void.")
