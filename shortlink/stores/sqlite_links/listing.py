"""Pages of links: filtered, ordered, and found again by where the last page ended, never by its number."""

from typing import Final, NamedTuple

from shortlink.links import LinkPage, LinkQuery, Order
from shortlink.stores.cursors import cursor_after, position_of
from shortlink.stores.sqlite_file import Connection
from shortlink.stores.sqlite_links.rows import LINK_JSON, decode_links


class _Sort(NamedTuple):
    """An order as SQL: what it sorts by, what comes after a position (?1 value, ?2 domain, ?3 code), and its start."""

    by: str
    after: str
    start: int


_FIRST: Final = -(2**63)  # what an INTEGER column holds at least, and at most
_LAST: Final = 2**63 - 1

_SORTS: Final = {
    Order.NEWEST: _Sort(
        "created_at DESC, domain, code", "created_at <= ?1 AND (created_at < ?1 OR (domain, code) > (?2, ?3))", _LAST
    ),
    Order.OLDEST: _Sort(
        "created_at, domain, code", "created_at >= ?1 AND (created_at > ?1 OR (domain, code) > (?2, ?3))", _FIRST
    ),
    Order.UPDATED: _Sort(
        "updated_at DESC, domain, code", "updated_at <= ?1 AND (updated_at < ?1 OR (domain, code) > (?2, ?3))", _LAST
    ),
    Order.CODE: _Sort("domain, code", "(domain, code) > (?2, ?3)", 0),  # the table's own order
}

_TAGGED: Final = "(domain, code) IN (SELECT domain, code FROM link_tag WHERE tag = ?5)"
# lower() folds ASCII alone, and that is all that codes and targets are made of.
_MATCHES: Final = "(instr(lower(code), ?6) OR instr(lower(target), ?6) OR instr(title_folded, ?6))"


def list_links(connection: Connection, query: LinkQuery) -> LinkPage:
    """As the contract's `list`."""
    # The first page too begins after a position: without one, SQLite takes any index for the oldest and sorts it all.
    start = _SORTS[query.order].start, ("", "")
    value, key = start if query.cursor is None else position_of(query.order, query.cursor)
    search = query.search.casefold() if query.search else None
    found = decode_links(
        connection.execute(
            f"SELECT json_group_array(json(link)) FROM ({rows_of(query)})",  # noqa: S608 (words of this file)
            (value, *key, query.domain, query.tag, search, query.limit + 1),
        ).get
    )
    links = found[: query.limit]
    return LinkPage(links, cursor_after(query.order, links[-1]) if len(found) > query.limit else None)


def rows_of(query: LinkQuery) -> str:
    """SQL for the links of a page, one JSON object each; its seven parameters stand wherever they are needed."""
    sort = _SORTS[query.order]
    conditions = [
        "removed_at IS NULL",
        sort.after,
        *(["domain = ?4"] if query.domain is not None else []),
        *([_TAGGED] if query.tag is not None else []),
        *([_MATCHES] if query.search else []),
    ]
    return (
        f"SELECT {LINK_JSON} AS link FROM link WHERE {' AND '.join(conditions)}"  # noqa: S608 (words of this file)
        f" ORDER BY {sort.by} LIMIT ?7"
    )
