"""`edge302 keys`: create, list and revoke."""

from typing import Any, Final

import click
import msgspec

from edge302.cli import options
from edge302.cli.tables import show

SCOPES: Final = ("links:read", "links:write", "stats:read", "admin")
COLUMNS: Final = {
    "id": "ID", "name": "NAME", "prefix": "PREFIX", "scopes": "SCOPES", "expires_at": "EXPIRES",
    "last_used_at": "LAST USED", "revoked_at": "REVOKED",
}  # fmt: skip


@click.group()
def keys() -> None:
    """Create, list and revoke API keys."""


@keys.command()
@click.option("--name", required=True, help="What it is for.")
@click.option("--scope", "scopes", multiple=True, required=True, type=click.Choice(SCOPES), help="May be repeated.")
@click.option("--expires", "expires_at", metavar="TIME", help="When it ends, such as 2030-01-01T00:00:00Z.")
@click.option("--json", "as_json", is_flag=True, help="Print the key and what belongs to it as JSON.")
@options.control
def create(control: options.Control, *, as_json: bool, **fields: object) -> None:
    """Create an API key, and print it. It is shown this once: only its SHA-256 is kept."""
    body = {name: value for name, value in fields.items() if value is not None}
    with control.open(create=True) as plane:
        made = plane.call("POST", "/api/keys", body, answer=dict[str, Any])
    click.echo(msgspec.json.encode(made) if as_json else made["key"])


@keys.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object a line.")
@options.control
def list_(control: options.Control, *, as_json: bool) -> None:
    """List API keys, without their secrets."""
    with control.open() as plane:
        found = plane.call("GET", "/api/keys", answer=dict[str, list[dict[str, Any]]])["keys"]
    if as_json:
        for key in found:
            click.echo(msgspec.json.encode(key))
    else:
        show(COLUMNS, found)


@keys.command()
@click.argument("key_id", metavar="ID")
@options.control
def revoke(control: options.Control, *, key_id: str) -> None:
    """Revoke the API key with this ID; it stops working at once."""
    from urllib.parse import quote

    with control.open() as plane:
        plane.call("DELETE", f"/api/keys/{quote(key_id, safe='')}", answer=None)
    click.echo(f"Revoked {key_id}.", err=True)
