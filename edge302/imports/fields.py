"""A link's fields in files: their names, and how a CSV cell holds each."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

# The order is that of the columns of an export. Fields that the API refuses today pass: its refusal says why.
FIELDS: Final = (
    "alias", "url", "domain", "status", "cache_control", "not_before", "expires_at", "expired_target",
    "forward_query", "title", "tags", "enabled", "max_visits", "password", "rules",
)  # fmt: skip
EXPORTED: Final = FIELDS[: FIELDS.index("enabled") + 1]
_RENAMED: Final = {"alias": "code", "url": "target"}  # what the API's answers call them
_BOOLEANS: Final = {"true": True, "false": False, "1": True, "0": False, "yes": True, "no": False}


def exported(link: Mapping[str, Any]) -> dict[str, Any]:
    """A link of the API's answers as a line of a file that `links import` reads; empty fields are left out."""
    values = ((name, link.get(_RENAMED.get(name, name))) for name in EXPORTED)
    return {name: value for name, value in values if value not in (None, "", [])}


def to_cells(values: Mapping[str, Any]) -> list[str]:
    """A line of a file as cells in the order of EXPORTED."""
    return [_to_cell(values.get(name)) for name in EXPORTED]


def from_cells(columns: Sequence[str], cells: Sequence[str]) -> dict[str, Any]:
    """A link's fields from a CSV row; empty cells are absent.

    A cell that can't be what its field needs stays text: the API says what is wrong with it.
    """
    return {
        name: _FROM_CELL[name](cell) if name in _FROM_CELL else cell
        for name, cell in zip(columns, cells, strict=True)
        if cell
    }


def join_tags(tags: Sequence[str]) -> str:
    """Tags in one cell, with | between; | and \\ inside a tag get a \\ before them."""
    return "|".join(re.sub(r"([|\\])", r"\\\1", tag) for tag in tags)


def split_tags(cell: str) -> list[str]:
    """The tags that `join_tags` joined."""
    if "\\" not in cell:
        return cell.split("|")
    tags, escaped = [""], False
    for character in cell:
        if escaped or character not in "|\\":
            tags[-1] += character
            escaped = False
        elif character == "|":
            tags.append("")
        else:
            escaped = True
    return tags


def _to_cell(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return join_tags(value)
    return "" if value is None else str(value)


def _number(cell: str) -> int | str:
    return int(cell) if cell.isascii() and cell.isdigit() and len(cell) < 19 else cell


def _boolean(cell: str) -> bool | str:
    return _BOOLEANS.get(cell.lower(), cell)


_FROM_CELL: Final[Mapping[str, Callable[[str], object]]] = {
    "status": _number,
    "max_visits": _number,
    "forward_query": _boolean,
    "enabled": _boolean,
    "tags": split_tags,
}
