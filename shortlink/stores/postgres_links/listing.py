"""Pages of links: filtered, ordered, and found again by where the last page ended, never by its number."""

from typing import Final, NamedTuple

import msgspec

from shortlink.links import LinkPage, LinkQuery, Order
from shortlink.stores.cursors import cursor_after, position_of
from shortlink.stores.postgres_database import PostgresDatabase
from shortlink.stores.postgres_links.rows import COLUMNS, link_of


class _Sort(NamedTuple):
    """An order as SQL: what it sorts by, and what comes after a position ($1 value, $2 domain, $3 code)."""

    by: str
    after: str


_SORTS: Final = {
    Order.NEWEST: _Sort(
        "created_at DESC, domain, code", "created_at <= $1 AND (created_at < $1 OR (domain, code) > ($2, $3))"
    ),
    Order.OLDEST: _Sort(
        "created_at, domain, code", "created_at >= $1 AND (created_at > $1 OR (domain, code) > ($2, $3))"
    ),
    Order.UPDATED: _Sort(
        "updated_at DESC, domain, code", "updated_at <= $1 AND (updated_at < $1 OR (domain, code) > ($2, $3))"
    ),
    Order.CODE: _Sort("domain, code", "$1::bigint = 0 AND (domain, code) > ($2, $3)"),
}


async def list_links(database: PostgresDatabase, query: LinkQuery) -> LinkPage:
    """As the contract's `list`."""
    if "\0" in f"{query.domain}{query.tag}{query.search}":  # no text of PostgreSQL holds one
        return LinkPage([], None)
    sort = _SORTS[query.order]
    conditions, arguments = ["removed_at IS NULL"], list[object]()

    def argument(value: object) -> str:
        arguments.append(value)
        return f"${len(arguments)}"

    if query.cursor is not None:
        value, key = position_of(query.order, query.cursor)
        arguments += [value, *key]
        conditions.append(sort.after)
    if query.domain is not None:
        conditions.append(f"domain = {argument(query.domain)}")
    if query.tag is not None:
        conditions.append(f"tags @> {argument(msgspec.json.encode([query.tag]).decode())}::jsonb AND tags <> '[]'")
    if query.search:
        # lower() of code and target folds ASCII, and that is all that they are made of.
        text = argument(query.search.casefold())
        parts = ("lower(code)", "lower(target)", "title_folded")
        conditions.append(f"({' OR '.join(f'strpos({part}, {text}) > 0' for part in parts)})")
    limit = argument(query.limit + 1)
    rows = await database.fetch(
        f"SELECT {COLUMNS} FROM link WHERE {' AND '.join(conditions)} ORDER BY {sort.by} LIMIT {limit}",  # noqa: S608
        *arguments,
    )
    links = [link_of(tuple(row)) for row in rows[: query.limit]]
    return LinkPage(links, cursor_after(query.order, links[-1]) if len(rows) > query.limit else None)
