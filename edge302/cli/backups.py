"""`edge302 backup` and `edge302 restore`."""

from datetime import UTC, datetime
from pathlib import Path

import click

from edge302.cli import options

FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("file", type=FILE)
@options.flags("data")
def backup(file: Path, **flags: str | None) -> None:
    """Save links, clicks and the spool to FILE, one tar file, while the node goes on.

    API keys are in it by their SHA-256 alone: they work again after a restore, but admin.key, which holds one in
    clear, is left out. An existing FILE is replaced once the new one is whole.
    """
    from edge302.backup import save
    from redirect_core import __version__
    from shortlink.clock import SystemClock
    from shortlink.datadir import DataFolder

    manifest = save(DataFolder(options.settings(flags).data), file.absolute(), SystemClock(), __version__)
    click.echo(f"Saved {len(manifest.members)} files to {file} ({file.stat().st_size:,} bytes).")


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path))
@options.flags("data")
@click.option("--replace", is_flag=True, help="Move what is in the data folder aside first.")
def restore(file: Path, *, replace: bool, **flags: str | None) -> None:
    """Make the data folder what it was when FILE was made by `edge302 backup`. Stop the node first."""
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
