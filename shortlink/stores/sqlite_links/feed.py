"""The change feed: its cursor, its pages, and forgetting what is past its time."""

from typing import Final

import msgspec

from shortlink.errors import CursorExpired
from shortlink.links import Change, Changes, LinkKey
from shortlink.stores.lifetimes import FEED_MS, IDEMPOTENCY_MS, TOMBSTONE_MS
from shortlink.stores.sqlite_file import Connection

PURGED_AT_ONCE: Final = 5_000  # rows a table: a transaction of some ten milliseconds

_STATE: Final = (
    "SELECT (SELECT value FROM meta WHERE name = 'generation'), (SELECT value FROM meta WHERE name = 'purged'),"
    " coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'change'), 0)"
)
_PAGE: Final = (
    "SELECT json_group_array(json_array(position, domain, code, version)) FROM"
    " (SELECT position, domain, code, version FROM change WHERE position > ? ORDER BY position LIMIT ?)"
)
_decode_page: Final = msgspec.json.Decoder(list[tuple[int, str, str, int]]).decode


def read_feed(connection: Connection, cursor: str | None, limit: int) -> Changes:
    """As the contract's `changes`. A cursor names the feed's generation, which a restored backup does not share."""
    generation, purged, end = next(connection.execute(_STATE))
    if cursor is None:
        return Changes((), f"{generation}.{end}")
    position = _position_in(generation, cursor)
    if position is None or not purged <= position <= end:
        raise CursorExpired(f"the change feed does not reach back to {cursor!r}")
    rows = _decode_page(connection.execute(_PAGE, (position, limit)).get)
    changes = [Change(LinkKey(domain, code), version) for _, domain, code, version in rows]
    return Changes(changes, f"{generation}.{rows[-1][0]}" if rows else cursor)


def _position_in(generation: str, cursor: str) -> int | None:
    of, _, position = cursor.partition(".")
    return int(position) if of == generation and position.isascii() and position.isdigit() else None


def purge_some(connection: Connection, now_ms: int) -> int:
    """Forget up to PURGED_AT_ONCE rows of each kind; 0: nothing is left to forget."""
    return sum(
        (
            _purge_feed(connection, now_ms - FEED_MS),
            _purge(
                connection,
                "DELETE FROM link WHERE (domain, code) IN"
                " (SELECT domain, code FROM link WHERE removed_at < ? ORDER BY removed_at LIMIT ?)",
                now_ms - TOMBSTONE_MS,
            ),
            _purge(
                connection,
                "DELETE FROM idempotency WHERE (scope, key) IN"
                " (SELECT scope, key FROM idempotency WHERE at_ms < ? ORDER BY at_ms LIMIT ?)",
                now_ms - IDEMPOTENCY_MS,
            ),
        )
    )


def _purge(connection: Connection, sql: str, before_ms: int) -> int:
    connection.execute(sql, (before_ms, PURGED_AT_ONCE))
    return connection.changes()


def _purge_feed(connection: Connection, before_ms: int) -> int:
    """Forget the oldest rows, and only from the end: a cursor before the last one gone is expired."""
    last: int | None = connection.execute(
        "SELECT max(position) FROM (SELECT position, at_ms FROM change ORDER BY position LIMIT ?) WHERE at_ms < ?",
        (PURGED_AT_ONCE, before_ms),
    ).get
    if last is None:
        return 0
    connection.execute("DELETE FROM change WHERE position <= ?", (last,))
    gone = connection.changes()
    connection.execute("UPDATE meta SET value = ? WHERE name = 'purged'", (last,))
    return gone
