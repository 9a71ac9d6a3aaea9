"""The change feed: its cursor, its pages, and forgetting what is past its time."""

from typing import Final

from shortlink.errors import CursorExpired
from shortlink.links import Change, Changes, LinkKey
from shortlink.stores.lifetimes import FEED_MS, IDEMPOTENCY_MS, TOMBSTONE_MS
from shortlink.stores.postgres_database import PostgresDatabase

PURGED_AT_ONCE: Final = 5_000  # rows a table: a transaction of some ten milliseconds

_END: Final = "coalesce((SELECT max(position) FROM change), purged)"
# State and page in one statement, so that nothing is purged between the two.
_PAGE: Final = (
    f"SELECT generation, purged, {_END}, page.* FROM feed LEFT JOIN LATERAL"  # noqa: S608 (words of this file)
    " (SELECT position, domain, code, version FROM change WHERE position > $1 ORDER BY position LIMIT $2) page ON true"
)
HAS_REACHED: Final = f"(SELECT {_END} >= $3 AND generation = $4 FROM feed)"  # noqa: S608
_PURGE_FEED: Final = (
    "WITH old AS (SELECT max(position) AS last FROM"
    " (SELECT position, at_ms FROM change ORDER BY position LIMIT $2) first WHERE at_ms < $1),"
    " gone AS (DELETE FROM change USING old WHERE position <= last RETURNING 1),"
    " told AS (UPDATE feed SET purged = greatest(purged, last) FROM old WHERE last IS NOT NULL)"
    " SELECT count(*) FROM gone"
)
# What a writer has locked is left for the next time: a purge holds rows, so it must wait for nobody.
_PURGE_LINKS: Final = (
    "WITH gone AS (DELETE FROM link WHERE (domain, code) IN"
    " (SELECT domain, code FROM link WHERE removed_at < $1 ORDER BY removed_at LIMIT $2 FOR UPDATE SKIP LOCKED)"
    " AND removed_at < $1 RETURNING 1)"
    " SELECT count(*) FROM gone"
)
_PURGE_IDEMPOTENCY: Final = (
    "WITH gone AS (DELETE FROM idempotency WHERE (scope, key) IN"
    " (SELECT scope, key FROM idempotency WHERE at_ms < $1 ORDER BY at_ms LIMIT $2 FOR UPDATE SKIP LOCKED) RETURNING 1)"
    " SELECT count(*) FROM gone"
)


async def read_feed(database: PostgresDatabase, cursor: str | None, limit: int) -> Changes:
    """As the contract's `changes`. A cursor names the feed's generation, which a restored backup does not share."""
    of, position = split_cursor(cursor) if cursor is not None else ("", None)
    rows = await database.fetch(_PAGE, position or 0, limit if position is not None else 0)
    generation, purged, end = rows[0][:3]
    if cursor is None:
        return Changes((), f"{generation}.{end}")
    if of != generation or position is None or not purged <= position <= end:
        raise CursorExpired(f"the change feed does not reach back to {cursor!r}")
    changes = [
        Change(LinkKey(row["domain"], row["code"]), row["version"]) for row in rows if row["position"] is not None
    ]
    return Changes(changes, f"{generation}.{rows[-1]['position']}" if changes else cursor)


def split_cursor(cursor: str) -> tuple[str, int | None]:
    """A cursor's generation and position; None: it is none of ours."""
    generation, _, position = cursor.partition(".")
    return generation, int(position) if position.isascii() and position.isdigit() and len(position) < 19 else None


async def purge_some(database: PostgresDatabase, now_ms: int) -> int:
    """Forget up to PURGED_AT_ONCE rows of each kind; 0: nothing is left to forget."""
    gone = 0
    for sql, before_ms in (
        (_PURGE_FEED, now_ms - FEED_MS),
        (_PURGE_LINKS, now_ms - TOMBSTONE_MS),
        (_PURGE_IDEMPOTENCY, now_ms - IDEMPOTENCY_MS),
    ):
        gone += (await database.write(sql, before_ms, PURGED_AT_ONCE))[0][0]
    return gone
