"""Adding up single clicks, forgetting some and giving up old ones, as SQL that SQLite and PostgreSQL share."""

# ruff: noqa: S608 (statements are put together from words of these files; values are parameters)

from collections.abc import Generator, Sequence
from typing import Any, Final, NamedTuple, TypeVar

from clicks.counts import DAY_MS
from clicks.questions import QUARTER_MS
from clicks.stores.event_tables import BLOCK_DAYS, FACETS, LINK_NUMBER, day_of, key_of, signed
from shortlink.links import LinkKey

Answer = TypeVar("Answer")


class Ask(NamedTuple):
    """One statement, as PostgreSQL writes it; `x = ANY($n)` takes a list."""

    sql: str
    parameters: tuple[object, ...] = ()


# Gives statements and gets their rows: what to ask without how.
Steps = Generator[Ask, Sequence[Sequence[Any]], Answer]

# What is not in the sums yet is added up whenever it is asked for: few enough that nobody notices, and enough that
# the clicks of a link fall into one row.
TAIL_ROWS: Final = 20_000
ROLLED_AT_ONCE: Final = 10_000  # in one transaction, which so stays well under half a second
DELETED_AT_ONCE: Final = 20_000
# Salts of visitors live for 48 hours: before yesterday, nobody can come again.
OPEN_DAYS: Final = 1


def roll_up(most: int = ROLLED_AT_ONCE) -> Steps[bool]:
    """Add the next clicks of the log to the sums. False: there were none left."""
    last = yield Ask(f"SELECT max(id) FROM (SELECT id FROM event_log WHERE id > {_ROLLED} ORDER BY id LIMIT {most}) n")
    if (until := last[0][0]) is None:
        return False
    chosen = f"id > {_ROLLED} AND id <= $1"
    for sql in (*_sums(chosen, 1), _visitors(chosen)):
        yield Ask(sql, (until,))
    yield Ask("UPDATE event_state SET rolled = $1", (until,))
    return True


def forget_link(key: LinkKey) -> Steps[int]:
    """Delete a link's clicks and sums; all of the log must be added up. Returns how many clicks went.

    Visitors of domain and service are counted anew for the days that the log still has; of earlier days nobody knows
    whether they came by other links too.
    """
    found = yield Ask("SELECT id, domain FROM event_link WHERE key = ANY($1)", ([key_of(key)],))
    if not found:
        return 0
    [(link, domain)] = found
    clicks = yield Ask("SELECT coalesce(sum(clicks), 0) FROM event_quarter WHERE scope = $1", (link,))
    days = yield Ask(
        f"SELECT DISTINCT time / {DAY_MS} FROM event_log WHERE link = $1 AND time >= {_FIRST_DAY}", (link,)
    )
    for scope in (0, -domain):
        for sql in _TAKE_LINK:
            yield Ask(sql.format(scope=scope), (link,))
    yield Ask(_TAKE_FROM_TOP, (link,))
    yield from _delete_zeros([0, -domain])
    for table in ("event_quarter", "event_day", "event_visitor", "event_visitor_day"):
        yield Ask(f"DELETE FROM {table} WHERE scope = $1", (link,))
    yield Ask("DELETE FROM event_log WHERE link = $1", (link,))
    yield Ask("UPDATE event_link SET clicks = 0 WHERE id = $1", (link,))
    yield from _count_visitors_anew([0, -domain], [day for (day,) in days])
    return int(clicks[0][0])


def forget_visitor(day: int, visitor: str) -> Steps[int]:
    """Delete a visitor's clicks of a day from the log, and from all sums what the log had of them."""
    span = (day * DAY_MS, (day + 1) * DAY_MS, signed(visitor))
    chosen = "time >= $1 AND time < $2 AND visitor = $3"
    links = yield Ask(f"SELECT link, domain, sum(clicks) FROM event_log WHERE {chosen} GROUP BY link, domain", span)
    for sql in _sums(chosen, -1):
        yield Ask(sql, span)
    scopes = sorted({0} | {-domain for _, domain, _ in links} | {link for link, _, _ in links})
    yield from _delete_zeros(scopes)
    yield Ask(f"DELETE FROM event_log WHERE {chosen}", span)
    yield Ask("DELETE FROM event_visitor WHERE day = $1 AND visitor = $2", (day, signed(visitor)))
    since = yield Ask(f"SELECT {_FIRST_DAY}")
    if since[0][0] <= span[0]:
        yield from _count_visitors_anew(scopes, [day])
    return sum(int(clicks) for _, _, clicks in links)


def give_up_log(now_ms: int, kept_days: int, kept_rows: int) -> Steps[int]:
    """Say from when on the log is to be whole, before anything is deleted; returns that time."""
    oldest_ms = (now_ms - kept_days * DAY_MS) // QUARTER_MS * QUARTER_MS
    excess = (yield Ask("SELECT count(*) FROM event_log"))[0][0] - kept_rows
    if excess > 0:
        last = yield Ask(f"SELECT time FROM event_log ORDER BY time LIMIT 1 OFFSET {excess - 1}")
        oldest_ms = max(oldest_ms, (last[0][0] // QUARTER_MS + 1) * QUARTER_MS)
    yield Ask("UPDATE event_state SET log_since = $1 WHERE log_since < $1", (max(oldest_ms, 0),))
    return int((yield Ask("SELECT log_since FROM event_state"))[0][0])


def delete_old() -> Steps[bool]:
    """Delete the next clicks from before the log's beginning. False: there were none left."""
    gone = yield Ask(
        "DELETE FROM event_log WHERE id IN (SELECT id FROM event_log WHERE time < (SELECT log_since FROM event_state)"
        f" AND id <= {_ROLLED} ORDER BY time LIMIT {DELETED_AT_ONCE}) RETURNING 1"
    )
    return len(gone) == DELETED_AT_ONCE


def close_days(now_ms: int, after_scope: int | None) -> Steps[int | None]:
    """Leave of the next scopes' visitors before yesterday their number alone.

    A visitor whose clicks of such a day come in two parts, before and after this, counts twice: only a spool that
    waited for two days brings any.

    Returns:
        The last scope that was looked at, to go on after; None: all are done.
    """
    first_open = day_of(now_ms) - OPEN_DAYS
    after = -(1 << 31) if after_scope is None else after_scope
    last = yield Ask(
        "SELECT max(scope) FROM (SELECT scope FROM event_visitor WHERE scope > $1 ORDER BY scope"
        f" LIMIT {DELETED_AT_ONCE}) n",
        (after,),
    )
    if (until := last[0][0]) is None:
        return None
    chosen = "scope > $1 AND scope <= $2 AND day < $3"
    yield Ask(_COLLAPSE.format(chosen=chosen), (after, until, first_open))
    yield Ask(f"DELETE FROM event_visitor WHERE {chosen}", (after, until, first_open))
    return int(until)


def delete_texts() -> Steps[None]:
    """Delete user agents and networks that nothing in the log has any more."""
    yield Ask(f"DELETE FROM event_text WHERE used_day < (SELECT log_since FROM event_state) / {DAY_MS} - 1")


def _delete_zeros(scopes: Sequence[int]) -> Steps[None]:
    for table in ("event_quarter", "event_day"):
        yield Ask(f"DELETE FROM {table} WHERE scope = ANY($1) AND clicks = 0", (list(scopes),))


def _count_visitors_anew(scopes: Sequence[int], days: Sequence[int]) -> Steps[None]:
    if not days:
        return
    chosen = f"time >= $3 AND time < $4 AND time / {DAY_MS} = ANY($2)"
    for table in ("event_visitor", "event_visitor_day"):
        yield Ask(f"DELETE FROM {table} WHERE scope = ANY($1) AND day = ANY($2)", (list(scopes), list(days)))
    span = (min(days) * DAY_MS, (max(days) + 1) * DAY_MS)
    yield Ask(_visitors(f"id <= {_ROLLED} AND {chosen}", "scope = ANY($1)"), (list(scopes), list(days), *span))


def _sums(chosen: str, sign: int) -> list[str]:
    """Statements that add the chosen rows of the log to all sums but visitors', or (-1) take them away."""
    return [
        f"""INSERT INTO event_quarter AS held (scope, quarter, class, clicks)
        SELECT scope, time / {QUARTER_MS}, class, CAST(sum(clicks) * {sign} AS bigint) FROM ({_in_scopes(chosen)}) AS n
        GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
        ON CONFLICT (scope, quarter, class) DO UPDATE SET clicks = held.clicks + excluded.clicks""",
        *(_facet_sums(chosen, facet.number, facet.name, sign) for facet in FACETS),
        f"""INSERT INTO event_day AS held (scope, facet, period, class, value, clicks)
        SELECT 0, {LINK_NUMBER}, time / {DAY_MS}, class, link, CAST(sum(clicks) * {sign} AS bigint) FROM event_log
        WHERE {chosen} GROUP BY 3, 4, 5 ORDER BY 3, 4, 5 {_ADD_DAY}""",
        f"""UPDATE event_link SET clicks = event_link.clicks + n.clicks
        FROM (SELECT link, CAST(sum(clicks) * {sign} AS bigint) AS clicks FROM event_log WHERE {chosen} GROUP BY link)
        AS n WHERE event_link.id = n.link""",
    ]


def _facet_sums(chosen: str, number: int, column: str, sign: int) -> str:
    day, block = f"time / {DAY_MS}", f"-(time / {BLOCK_DAYS * DAY_MS}) - 1"
    parts = [("link", day), ("-domain", day), ("0", day), ("-domain", block), ("0", block)]
    rows = " UNION ALL ".join(
        f"SELECT {scope} AS scope, {period} AS period, class, {column} AS value, clicks FROM event_log WHERE {chosen}"
        for scope, period in parts
    )
    return f"""INSERT INTO event_day AS held (scope, facet, period, class, value, clicks)
        SELECT scope, {number}, period, class, value, CAST(sum(clicks) * {sign} AS bigint) FROM ({rows}) AS n
        GROUP BY 1, 3, 4, 5 ORDER BY 1, 3, 4, 5 {_ADD_DAY}"""


def _visitors(chosen: str, scopes: str = "true") -> str:
    return f"""INSERT INTO event_visitor AS held (scope, day, visitor, classes)
        SELECT scope, time / {DAY_MS}, visitor, CAST(sum(DISTINCT 1 << class) AS integer)
        FROM ({_in_scopes(chosen)}) AS n WHERE visitor <> 0 AND {scopes} GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
        ON CONFLICT (scope, day, visitor) DO UPDATE SET classes = held.classes | excluded.classes"""


def _in_scopes(chosen: str) -> str:
    return " UNION ALL ".join(
        f"SELECT {scope} AS scope, time, class, visitor, clicks FROM event_log WHERE {chosen}"
        for scope in ("link", "-domain", "0")
    )


_ROLLED: Final = "(SELECT rolled FROM event_state)"
_FIRST_DAY: Final = f"((SELECT log_since FROM event_state) + {DAY_MS - 1}) / {DAY_MS} * {DAY_MS}"
_ADD_DAY: Final = """ON CONFLICT (scope, facet, period, class, value)
    DO UPDATE SET clicks = held.clicks + excluded.clicks"""
# What a link has, taken from the scope that it is a part of.
_TAKE_LINK: Final = (
    """INSERT INTO event_quarter AS held (scope, quarter, class, clicks)
    SELECT {scope}, quarter, class, -clicks FROM event_quarter WHERE scope = $1
    ON CONFLICT (scope, quarter, class) DO UPDATE SET clicks = held.clicks + excluded.clicks""",
    f"""INSERT INTO event_day AS held (scope, facet, period, class, value, clicks)
    SELECT {{scope}}, facet, period, class, value, -clicks FROM event_day WHERE scope = $1 {_ADD_DAY}""",
    f"""INSERT INTO event_day AS held (scope, facet, period, class, value, clicks)
    SELECT {{scope}}, facet, -(period / {BLOCK_DAYS}) - 1, class, value, CAST(-sum(clicks) AS bigint)
    FROM event_day WHERE scope = $1 GROUP BY facet, period / {BLOCK_DAYS}, class, value {_ADD_DAY}""",
)
_TAKE_FROM_TOP: Final = f"""DELETE FROM event_day WHERE scope = 0 AND facet = {LINK_NUMBER} AND value = $1
    AND class IN (0, 1, 2, 3, 4, 5)
    AND period IN (SELECT quarter / {DAY_MS // QUARTER_MS} FROM event_quarter WHERE scope = $1)"""
_COLLAPSE: Final = """INSERT INTO event_visitor_day AS held (scope, day, classes, visitors)
    SELECT scope, day, classes, count(*) FROM event_visitor WHERE {chosen} GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    ON CONFLICT (scope, day, classes) DO UPDATE SET visitors = held.visitors + excluded.visitors"""
