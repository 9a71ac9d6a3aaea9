"""Changing and removing one link."""

from typing import Final

from msgspec.structs import replace

from shortlink.links import Link, LinkKey, LinkPatch, Missed
from shortlink.stores.postgres_database import Connection, PostgresDatabase
from shortlink.stores.postgres_links.rows import COLUMNS, LOCK, TYPES, columns_of, link_of
from shortlink.stores.versions import next_version

_FOR_UPDATE: Final = f"SELECT {COLUMNS} FROM link WHERE domain = $1 AND code = $2 AND removed_at IS NULL FOR UPDATE"  # noqa: S608
_REMOVE: Final = (
    "UPDATE link SET target = '', expired_target = NULL, password_hash = NULL, rules = NULL, title = NULL,"
    " title_folded = NULL, tags = '[]', owner_key = NULL, updated_at = $3, removed_at = $3, version = $4"
    " WHERE domain = $1 AND code = $2"
)


async def change_link(
    database: PostgresDatabase, key: LinkKey, patch: LinkPatch, if_version: int | None, now_ms: int
) -> Link | Missed:
    """As the contract's `change`. A patch without values changes nothing, the version neither."""
    async with database.transaction(LOCK) as connection:
        link = await _expected(connection, key, if_version)
        if isinstance(link, Missed) or not patch.values:
            return link
        changed = replace(link, **patch.values, updated_at=now_ms, version=next_version(link.version, now_ms))
        columns = columns_of([changed])
        names = [*patch.values, "updated_at", "version", *(["title_folded"] if "title" in patch.values else [])]
        values = ", ".join(f"{name} = ${n}::{TYPES[name]}" for n, name in enumerate(names, 3))
        await connection.execute(
            f"UPDATE link SET {values} WHERE domain = $1 AND code = $2",  # noqa: S608 (names of LinkFields)
            *key,
            *(columns[name][0] for name in names),
        )
        return changed


async def remove_link(database: PostgresDatabase, key: LinkKey, if_version: int | None, now_ms: int) -> Missed | None:
    """As the contract's `remove`: the row stays as a tombstone, without its content."""
    async with database.transaction(LOCK) as connection:
        link = await _expected(connection, key, if_version)
        if isinstance(link, Missed):
            return link
        await connection.execute(_REMOVE, *key, now_ms, next_version(link.version, now_ms))
        return None


async def _expected(connection: Connection, key: LinkKey, if_version: int | None) -> Link | Missed:
    row = await connection.fetchrow(_FOR_UPDATE, *key)
    if row is None:
        return Missed.ABSENT
    link = link_of(tuple(row))
    return link if if_version is None or if_version == link.version else Missed.STALE
