"""`edge302 links`: add, list, export and import."""

from pathlib import Path
from typing import Any, Final

import click
import msgspec

from edge302.cli import exits, options
from edge302.cli.tables import show

COLUMNS: Final = {"name": "LINK", "target": "TARGET", "title": "TITLE", "tags": "TAGS", "state": "STATE"}
FORMAT: Final = click.Choice(["ndjson", "csv"])


@click.group()
def links() -> None:
    """Add, list, export and import links."""


@links.command()
@click.argument("url")
@click.option("--alias", help="The code to use instead of a random one: 1-64 of A-Z a-z 0-9 _ -.")
@click.option("--domain", help="A host of its own that the link is for.")
@click.option("--status", type=int, metavar="N", help="301, 302, 303, 307 or 308.  [default: 302]")
@click.option("--cache-control", metavar="TEXT", help="Cache-Control of the redirect.  [default: private, max-age=0]")
@click.option("--not-before", metavar="TIME", help="Answered 404 before, such as 2030-01-01T00:00:00Z.")
@click.option("--expires-at", metavar="TIME", help="Answered 410 from then on.")
@click.option("--expired-target", metavar="URL", help="Where visitors go from then on instead of a 410.")
@click.option("--forward-query", is_flag=True, default=None, help="Append the visitor's query to the target's.")
@click.option("--title", help="For people.")
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="A word to find it by; may be repeated.")
@click.option("--disabled", is_flag=True, help="Answered 404 until it is enabled.")
@click.option("--json", "as_json", is_flag=True, help="Print the link as JSON.")
@options.control
def add(control: options.Control, *, disabled: bool, as_json: bool, **fields: object) -> None:
    """Shorten URL, and print the short URL."""
    body = {name: value for name, value in fields.items() if value not in (None, ())}
    if disabled:
        body["enabled"] = False
    with control.open(create=True) as plane:
        link = plane.call("POST", "/api/shorten", body, answer=dict[str, Any])
    click.echo(msgspec.json.encode(link) if as_json else link["short_url"])


@links.command("list")
@click.option("--search", metavar="TEXT", help="Part of code, target or title, without case.")
@click.option("--tag", metavar="TAG", help="Only those with this tag.")
@click.option("--domain", metavar="HOST", help="Only those of this domain.")
@click.option("--order", type=click.Choice(["newest", "oldest", "updated", "code"]), default="newest")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="Most links to list.")
@click.option("--all", "every", is_flag=True, help="List every link, whatever --limit says.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object a line.")
@options.control
def list_(control: options.Control, *, limit: int, every: bool, as_json: bool, **query: object) -> None:
    """List links."""
    with control.open() as plane:
        shown: list[dict[str, Any]] = []
        for link in plane.walk_links(None if every else limit, **query):
            if as_json:
                click.echo(msgspec.json.encode(link))
            else:
                name = f"{link['domain']}/{link['code']}" if link["domain"] else link["code"]
                shown.append(link | {"name": name, "state": "" if link["enabled"] else "disabled"})
    if not as_json:
        show(COLUMNS, shown)


@links.command()
@click.argument("file", default="-", type=click.Path(dir_okay=False, path_type=Path, allow_dash=True))
@click.option("--format", "file_format", type=FORMAT, help="[default: as FILE's name tells, else ndjson]")
@options.control
def export(control: options.Control, *, file: Path, file_format: str | None) -> None:
    """Write all links to FILE, or to the standard output, in a form that `links import` reads.

    An export to a file that was interrupted goes on when the same command is run again.
    """
    from edge302.cli.progress import progress
    from edge302.imports.exporter import export_links, guess_format

    with control.open() as plane:
        total = plane.call("GET", "/api/stats", answer=dict[str, Any])["links"]
        with progress("Exporting", total, "links") as update:
            written = export_links(plane.links, file, file_format or guess_format(file), update)
    click.echo(f"Exported {written:,} links.", err=True)


@links.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path))
@click.option("--format", "file_format", type=FORMAT, help="[default: as FILE's name tells]")
@click.option("--rejects", type=click.Path(dir_okay=False, path_type=Path), help="[default: FILE.rejects.ndjson]")
@click.option("--again", is_flag=True, help="Import anew a file that was imported before.")
@click.option("--late", is_flag=True, help="Go on with an import that stopped over a day ago, at the risk of doubles.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
@options.control
def import_(
    control: options.Control,
    *,
    file: Path,
    file_format: str | None,
    rejects: Path | None,
    again: bool,
    late: bool,
    as_json: bool,
) -> None:
    """Load the links of FILE: a JSON object a line, or CSV whose first line names the fields.

    Each line is imported exactly once: after Ctrl-C or a crash, run the same command to go on. Lines that can't
    be imported are written to the rejects file with their number and the reason.
    """
    from edge302.cli.import_run import import_file, summary

    outcome = import_file(control, file, file_format=file_format, rejects=rejects, again=again, late=late)
    click.echo(msgspec.json.encode(outcome) if as_json else summary(outcome))
    code = exits.SOME_REJECTED if outcome.rejected else exits.DONE
    click.get_current_context().exit(code if outcome.complete else exits.INTERRUPTED)
