"""Links to and from rows: many in one statement, whatever their number."""

from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Final

import msgspec

from shortlink.links import Link, LinkFields, LinkKey

# Columns that hold an attribute of a link as it is, and their types.
_TYPES: Final[Mapping[str, str]] = {
    "domain": "text",
    "code": "text",
    "target": "text",
    "status": "integer",
    "cache_control": "text",
    "not_before": "bigint",
    "expires_at": "bigint",
    "max_visits": "bigint",
    "expired_target": "text",
    "password_hash": "text",
    "forward_query": "boolean",
    "rules": "text",
    "title": "text",
    "enabled": "boolean",
    "owner_key": "text",
    "created_at": "bigint",
    "updated_at": "bigint",
    "version": "bigint",
}
TYPES: Final[Mapping[str, str]] = {**_TYPES, "title_folded": "text", "tags": "jsonb", "first_version": "bigint"}
LOCK: Final = "SELECT lock_links()"  # before any row: writers never wait for each other in a circle
COLUMNS: Final = ", ".join(f"link.{name}" for name in (*_TYPES, "tags"))
_NAMES: Final = (*_TYPES, "tags")
_PLAIN: Final = {name: attrgetter(name) for name in _TYPES}

GET: Final = (
    f"SELECT {COLUMNS} FROM unnest($1::text[], $2::text[]) AS wanted(domain, code)"  # noqa: S608 (names of this file)
    " JOIN link ON link.domain = wanted.domain AND link.code = wanted.code WHERE removed_at IS NULL"
)

_decode_tags: Final = msgspec.json.Decoder(tuple[str, ...]).decode
_encode: Final = msgspec.json.Encoder().encode

assert set(LinkFields.__struct_fields__) < set(_NAMES)


def link_of(row: Sequence[object]) -> Link:
    """The link in a row of COLUMNS."""
    values = dict(zip(_NAMES, row, strict=True))
    values["tags"] = () if values["tags"] == "[]" else _decode_tags(str(values["tags"]))
    return Link(**values)  # type: ignore[arg-type]


def links_of(keys: Iterable[LinkKey], rows: Iterable[Sequence[object]]) -> dict[LinkKey, Link]:
    """The links in rows of COLUMNS, in the order of their keys."""
    found = {link.key: link for link in map(link_of, rows)}
    return {key: found[key] for key in keys if key in found}


def columns_of(links: Sequence[Link]) -> dict[str, list[object]]:
    """Values of table `link` column by column, but for removed_at; `first_version` is the version."""
    columns: dict[str, list[object]] = {name: list(map(get, links)) for name, get in _PLAIN.items()}
    columns["title_folded"] = [None if link.title is None else link.title.casefold() for link in links]
    columns["tags"] = [_encode(link.tags).decode() if link.tags else "[]" for link in links]
    columns["first_version"] = columns["version"]
    return columns


def insert(columns: Mapping[str, list[object]], on_conflict: str) -> tuple[str, list[object]]:
    """A statement that inserts rows given column by column, and its arguments.

    Columns that hold one value throughout (most of a link's) travel once; the others as arrays.
    """
    height = len(columns["code"])
    varying = [name for name, values in columns.items() if height > 1 and values.count(values[0]) != height]
    if not varying:
        varying = ["domain", "code"]
    constant = [name for name in columns if name not in varying]
    arrays = ", ".join(f"${n}::{TYPES[name]}[]" for n, name in enumerate(varying, 1))
    values = ", ".join(f"${n}::{TYPES[name]}" for n, name in enumerate(constant, len(varying) + 1))
    sql = (
        f"INSERT INTO link ({', '.join([*varying, *constant])})"  # noqa: S608 (names of this file)
        f" SELECT one.*{', ' if constant else ''}{values} FROM unnest({arrays}) AS one {on_conflict}"
    )
    return sql, [*(columns[name] for name in varying), *(columns[name][0] for name in constant)]
