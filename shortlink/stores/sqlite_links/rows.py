"""Links to and from rows: many in one statement, whatever their number."""

from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Final

import msgspec

from shortlink.links import Link, LinkFields, LinkKey
from shortlink.stores.sqlite_file import Connection

# One link as the JSON object that decodes into Link.
LINK_JSON: Final = (
    "json_object("
    "'domain', domain, 'code', code, 'target', target, 'status', status, 'cache_control', cache_control,"
    "'not_before', not_before, 'expires_at', expires_at, 'max_visits', max_visits,"
    "'expired_target', expired_target, 'password_hash', password_hash,"
    "'forward_query', json(iif(forward_query, 'true', 'false')), 'rules', rules, 'title', title,"
    "'tags', json(tags), 'enabled', json(iif(enabled, 'true', 'false')), 'owner_key', owner_key,"
    "'created_at', created_at, 'updated_at', updated_at, 'version', version)"
)

_GET: Final = (
    f"SELECT json_group_array({LINK_JSON}) FROM json_each(?) AS wanted CROSS JOIN link"  # noqa: S608
    " ON link.domain = wanted.value ->> 0 AND link.code = wanted.value ->> 1 WHERE removed_at IS NULL"
)

# Columns that hold an attribute as it is: all of a link's fields but its tags.
_PLAIN: Final = tuple(name for name in LinkFields.__struct_fields__ if name != "tags")
_ATTRIBUTES: Final = ("domain", "code", *_PLAIN, "owner_key", "created_at", "updated_at", "version")

decode_links: Final = msgspec.json.Decoder(list[Link]).decode


def as_json(values: Iterable[object]) -> str:
    """A JSON array, as a parameter for json_each."""
    return msgspec.json.encode(list(values)).decode()


def get_links(connection: Connection, keys: Iterable[LinkKey]) -> dict[LinkKey, Link]:
    """The links that exist, by key."""
    links = decode_links(connection.execute(_GET, (as_json(keys),)).get)
    return {link.key: link for link in links}


def columns_of(links: Sequence[Link]) -> dict[str, Sequence[object]]:
    """Values of table `link` column by column, but for first_version and removed_at."""
    columns: dict[str, Sequence[object]] = {name: list(map(attrgetter(name), links)) for name in _ATTRIBUTES}
    columns["title_folded"] = [None if link.title is None else link.title.casefold() for link in links]
    columns["tags"] = [as_json(link.tags) if link.tags else "[]" for link in links]
    return columns


def insert_columns(connection: Connection, table: str, columns: Mapping[str, Sequence[object]]) -> None:
    """Insert rows given column by column, in one statement.

    Columns that hold one value throughout (most of a link's) are bound once; the others travel as JSON, so
    they hold text, integers, booleans and None.
    """
    height = len(next(iter(columns.values())))
    varying = [name for name, values in columns.items() if values.count(values[0]) != height]
    place = {name: f"value ->> {n}" for n, name in enumerate(varying)}
    constants = [values[0] for name, values in columns.items() if name not in place]
    rows = zip(*(columns[name] for name in varying), strict=True) if varying else [()] * height
    connection.execute(
        f"INSERT INTO {table} ({', '.join(columns)})"  # noqa: S608 (names come from this package alone)
        f" SELECT {', '.join(place.get(name, '?') for name in columns)} FROM json_each(?)",
        (*constants, as_json(rows)),
    )


def insert_tags(connection: Connection, links: Sequence[Link]) -> None:
    """Index the links' tags."""
    tagged = [(tag, link.domain, link.code) for link in links if link.tags for tag in link.tags]
    if tagged:
        tags, domains, codes = zip(*tagged, strict=True)
        insert_columns(connection, "link_tag", {"tag": tags, "domain": domains, "code": codes})
