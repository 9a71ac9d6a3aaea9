"""Rows as a table for people; scripts ask for --json."""

import shutil
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Final

import click

_MIN_WIDTH: Final = 10


def show(columns: Mapping[str, str], rows: Sequence[Mapping[str, object]]) -> None:
    """Print rows under a header; `columns` gives the heading of each field, its key first.

    What does not fit the terminal is cut, the longest column first and the key never.
    """
    table = [list(columns.values()), *([_cell(row.get(name)) for name in columns] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    room = shutil.get_terminal_size().columns
    while sum(widths) + 2 * (len(widths) - 1) > room and max(widths[1:], default=0) > _MIN_WIDTH:
        widths[widths.index(max(widths[1:]), 1)] -= 1
    for line in table:
        click.echo("  ".join(_cut(cell, width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _cell(value: object) -> str:
    if value is None:
        return ""
    text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    # A title may carry bidirectional marks and the like, which would rearrange the whole table.
    return "".join(character if unicodedata.category(character)[0] != "C" else "?" for character in text)


def _cut(cell: str, width: int) -> str:
    return cell.ljust(width) if len(cell) <= width else cell[: width - 1] + "…"
