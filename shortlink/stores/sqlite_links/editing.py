"""Changing and removing one link."""

from typing import Final

from msgspec.structs import replace

from shortlink.links import Link, LinkKey, LinkPatch, Missed
from shortlink.stores.sqlite_file import Connection
from shortlink.stores.sqlite_links.rows import columns_of, get_links, insert_tags
from shortlink.stores.versions import next_version

_REMOVE: Final = (
    "UPDATE link SET target = '', expired_target = NULL, password_hash = NULL, rules = NULL, title = NULL,"
    " title_folded = NULL, tags = '[]', owner_key = NULL, updated_at = ?1, removed_at = ?1, version = ?2"
    " WHERE domain = ?3 AND code = ?4"
)


def change_link(
    connection: Connection, key: LinkKey, patch: LinkPatch, if_version: int | None, now_ms: int
) -> Link | Missed:
    """As the contract's `change`. A patch without values changes nothing, the version neither."""
    link = _expected(connection, key, if_version)
    if isinstance(link, Missed) or not patch.values:
        return link
    changed = replace(link, **patch.values, updated_at=now_ms, version=next_version(link.version, now_ms))
    columns = {name: values for name, values in columns_of([changed]).items() if name not in ("domain", "code")}
    connection.execute(
        f"UPDATE link SET {', '.join(f'{name} = ?' for name in columns)} WHERE domain = ? AND code = ?",  # noqa: S608
        (*(values[0] for values in columns.values()), *key),
    )
    if changed.tags != link.tags:
        _delete_tags(connection, link)
        insert_tags(connection, [changed])
    return changed


def remove_link(connection: Connection, key: LinkKey, if_version: int | None, now_ms: int) -> Missed | None:
    """As the contract's `remove`: the row stays as a tombstone, without its content."""
    link = _expected(connection, key, if_version)
    if isinstance(link, Missed):
        return link
    connection.execute(_REMOVE, (now_ms, next_version(link.version, now_ms), *key))
    _delete_tags(connection, link)
    connection.execute("UPDATE meta SET value = value - 1 WHERE name = 'links'")
    return None


def _expected(connection: Connection, key: LinkKey, if_version: int | None) -> Link | Missed:
    link = get_links(connection, [key]).get(key)
    if link is None:
        return Missed.ABSENT
    return link if if_version is None or if_version == link.version else Missed.STALE


def _delete_tags(connection: Connection, link: Link) -> None:
    for tag in link.tags:
        connection.execute("DELETE FROM link_tag WHERE tag = ? AND domain = ? AND code = ?", (tag, *link.key))
