"""What `edge302 up` prints once it is ready: the addresses, the data, the key, and a line to paste."""

import shlex
from pathlib import Path
from typing import Final

from shortlink.datadir import DataFolder
from shortlink.settings import Settings, bracketed

_EXAMPLE: Final = """'{"url": "https://example.com/"}'"""
_WILDCARDS: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what we were told to listen on


def welcome(settings: Settings, folder: DataFolder, new_key: str | None, *, with_edge: bool = True) -> str:
    """The text, ending with the line that starts with `curl`.

    Args:
        settings: with the real ports.
        new_key: the admin key, when it was made during this start; it is shown this once.
        with_edge: the edge runs here too, not the control plane alone.
    """
    control = f"http://{_reachable(settings.host)}:{settings.api_port}"
    lines = [
        "edge302 is up; Ctrl-C stops it.",
        "",
        *([f"  short links    {edge_url(settings)}"] if with_edge else []),
        f"  control plane  {control}/   (its pages: {control}/api/docs)",
        f"  metrics        127.0.0.1:{settings.metrics_port}/metrics",
        f"  data           {folder.root.resolve()}",
    ]
    if new_key:
        lines += [
            f"  admin API key  {new_key}",
            f"                 shown this once; kept in {folder.admin_key.resolve()}, which only you can read",
        ]
    lines += ["", "Shorten a link:", "", _curl(control, _authorization(folder.admin_key, new_key))]
    return "\n".join(lines)


def edge_url(settings: Settings) -> str:
    """Where the edge can be reached from this machine."""
    return f"http://{_reachable(settings.host)}:{settings.port}/"


def _reachable(host: str) -> str:
    """An address that a browser on this machine can open, for one that means all addresses."""
    return bracketed(_WILDCARDS.get(host, host))


def _authorization(key_file: Path, new_key: str | None) -> str:
    """The header for a shell: with the key itself, else with what reads it from its file."""
    if new_key:
        return f"'Authorization: Bearer {new_key}'"
    if key_file.exists():
        return f'"Authorization: Bearer $(cat {shlex.quote(str(key_file.resolve()))})"'
    return '"Authorization: Bearer $EDGE302_API_KEY"'  # the file was moved away: they know where they keep it


def _curl(control: str, authorization: str) -> str:
    return f"curl -s {control}/api/shorten -H {authorization} -H 'Content-Type: application/json' -d {_EXAMPLE}"
