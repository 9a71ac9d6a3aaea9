"""Answers about single clicks from SQL tables: which sums are read, and when the log must be, clicks one by one.

The sums know the classes by the quarter of an hour, and each facet by the day. What two facets have to do with each
other is known to the log alone, which goes back a limited time: the answers say to when.
"""

# ruff: noqa: S608 (statements are put together from words of these files; values are parameters)

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

from clicks.counts import DAY_MS, TrafficClass
from clicks.events.event import ClickEvent
from clicks.questions import (
    QUARTER_MS,
    Arrived,
    Covered,
    Dimension,
    Freshness,
    Point,
    Points,
    Question,
    Step,
    Top,
    TopValue,
    Totals,
)
from clicks.stores.event_scopes import Meant, Sql, meant
from clicks.stores.event_tables import (
    EVENT_COLUMNS,
    EVENT_JOINS,
    FACET_OF,
    event_of,
)
from clicks.stores.event_top_links import top_links
from clicks.stores.event_upkeep import Ask, Steps
from clicks.stores.event_visitors import visitors, visitors_by_day
from clicks.stores.memory_events import parsed_cursor
from clicks.stores.rows import CLASSES, by_class

EXPORT_ROWS: Final = 2_000
# Of clicks that stand one by one: ordered by these, which no two share.
PLACE: Final = "(e.time, o.epoch, e.seq)"


def totals(question: Question) -> Steps[Totals]:
    """As ClickAnswers says."""
    asked = yield from meant(question)
    if asked.nothing:
        return Totals({}, 0, asked.covered())
    if not asked.where:
        sql = Sql()
        rows = yield sql.ask(_GROUPED.format(key="class", rows=sql.sums(asked)))
        return Totals(by_class(rows), (yield from visitors(asked)), asked.covered())
    asked, counted = yield from _by_facet_or_log(asked)
    if asked.nothing:
        return Totals({}, None, asked.covered())
    sql = Sql()
    rows = yield sql.ask(_GROUPED.format(key="class", rows=counted(sql)))
    return Totals(by_class(rows), None, asked.covered())


def series(question: Question, step: Step) -> Steps[Points]:
    """As ClickAnswers says."""
    asked = yield from meant(question)
    if asked.nothing:
        return Points([], asked.covered())
    sql = Sql()
    of_days: dict[int, int] | None = None
    if not asked.where:
        source = sql.sums(asked, by_day=True) if step is Step.DAY else sql.quarters(asked)
        of_days = (yield from visitors_by_day(asked)) if step is Step.DAY else None
    elif step is Step.DAY and len(asked.where) == 1:
        [facet] = asked.where
        rows = sql.days(asked, facet, by_day=True)
        source = f"SELECT period * CAST({DAY_MS} AS bigint) AS time, class, clicks FROM ({rows}) AS m"
    else:
        asked = yield from _in_log(asked, step)
        if asked.nothing:
            return Points([], asked.covered())
        source = f"SELECT time, class, clicks FROM event_log WHERE {sql.log(asked)}"
    found = yield sql.ask(
        f"""SELECT time / {step.value}, class, CAST(sum(clicks) AS bigint) FROM ({source}) AS n
        GROUP BY 1, 2 HAVING sum(clicks) > 0 ORDER BY 1, 2"""
    )
    points: dict[int, dict[TrafficClass, int]] = defaultdict(dict)
    for number, traffic, clicks in found:
        points[number * step.value][CLASSES[traffic]] = clicks
    return Points(
        [
            Point(start_ms, clicks, None if of_days is None else of_days.get(start_ms // DAY_MS, 0))
            for start_ms, clicks in points.items()
        ],
        asked.covered(),
    )


def top(question: Question, dimension: Dimension, limit: int) -> Steps[Top]:
    """As ClickAnswers says."""
    if dimension is Dimension.CLASS:
        return _top_classes((yield from totals(question)), limit)
    asked = yield from meant(question)
    if asked.nothing:
        return Top([], asked.covered())
    if dimension in (Dimension.DOMAIN, Dimension.CODE):
        return (yield from _top_scopes(asked, dimension, limit))
    facet = FACET_OF[dimension]
    sql = Sql()
    if all(filtered == facet for filtered in asked.where):
        asked = asked.by_whole_days()
        source = f"SELECT value, clicks FROM ({sql.days(asked, facet)}) AS m"
    else:
        asked = yield from _in_log(asked, Step.QUARTER)
        if asked.nothing:
            return Top([], asked.covered())
        source = f"SELECT {facet.name} AS value, clicks FROM event_log WHERE {sql.log(asked)}"
    rows = yield sql.ask(
        f"""SELECT {dimension}, CAST(sum(n.clicks) AS bigint) FROM
        (SELECT value, sum(clicks) AS clicks FROM ({source}) AS k GROUP BY value) AS n
        JOIN {facet.table} AS d ON d.id = n.value
        GROUP BY 1 HAVING sum(n.clicks) > 0 ORDER BY 2 DESC, 1 LIMIT {sql.put(limit)}"""
    )
    return _top(rows, asked.covered())


def export_page(question: Question, after: ClickEvent | None) -> Steps[Sequence[ClickEvent]]:
    """The next clicks of an export; none: it is whole."""
    asked = yield from meant(question)
    if after is not None:
        asked = asked.within(after.time, asked.until_ms)
    while not asked.nothing and (last_ms := (yield from _page_ends(asked))) is not None:
        sql = Sql()
        chosen = sql.log(asked.within(asked.since_ms, last_ms + 1), "e.")
        if after is not None:
            chosen += f" AND {PLACE} > ({sql.put(after.time)}, {sql.put(after.epoch)}, {sql.put(after.seq)})"
        if rows := (yield sql.ask(_events(chosen, f"e.time, o.epoch, e.seq LIMIT {EXPORT_ROWS}"))):
            return [event_of(row) for row in rows]
        asked = asked.within(last_ms + 1, asked.until_ms)  # all of these were told already
    return []


def _page_ends(asked: Meant) -> Steps[int | None]:
    """The time of the last click of a page; None: there are no clicks. Pages would else be put in order out of all that
    is left, each of them."""
    sql = Sql()
    times = f"SELECT time FROM event_log WHERE {sql.log(asked)} ORDER BY time LIMIT {EXPORT_ROWS}"
    found = yield sql.ask(f"SELECT max(time) FROM ({times}) AS n")
    last_ms: int | None = found[0][0]
    return last_ms


def arrived(question: Question, cursor: str | None, limit: int) -> Steps[Arrived]:
    """As ClickAnswers says. Cursors are ids of the log, which has them in the order of arrival."""
    after = None if cursor is None else parsed_cursor(cursor)
    ends = yield Ask("SELECT rolled FROM event_state UNION ALL SELECT coalesce(max(id), 0) FROM event_log")
    end = max(number for (number,) in ends)
    asked = yield from meant(question)
    if after is None or asked.nothing or after >= end:
        return Arrived([], str(end if after is None else max(after, end)))
    sql = Sql()
    chosen = f"e.id > {sql.put(after)} AND e.id <= {sql.put(end)} AND {sql.log(asked, 'e.')}"
    rows = yield sql.ask(_events(chosen, f"e.id LIMIT {sql.put(limit)}"))
    reached = rows[-1][0] if len(rows) == limit else end
    return Arrived([event_of(row) for row in rows], str(reached))


def freshness() -> Steps[Freshness]:
    """As ClickAnswers says; when the log has nothing left, to the quarter of an hour."""
    newest = (yield Ask("SELECT max(time) FROM event_log"))[0][0]
    if newest is None:
        quarter = (yield Ask("SELECT max(quarter) FROM event_quarter WHERE scope = 0 AND clicks > 0"))[0][0]
        newest = None if quarter is None else quarter * QUARTER_MS
    return Freshness(newest)


def _by_facet_or_log(asked: Meant) -> Steps[tuple[Meant, Any]]:
    """The question as it can be answered, and what writes rows (…, class, clicks) for it."""
    if len(asked.where) == 1:
        [facet] = asked.where
        whole = asked.by_whole_days()
        return whole, lambda sql: sql.days(whole, facet)
    limited = yield from _in_log(asked, Step.QUARTER)
    return limited, lambda sql: f"SELECT link, class, clicks FROM event_log WHERE {sql.log(limited)}"


def _in_log(asked: Meant, step: Step) -> Steps[Meant]:
    """The part of the time that the log has whole, in steps."""
    since_ms = (yield Ask("SELECT log_since FROM event_state"))[0][0]
    return asked.within(max(asked.since_ms, -(-since_ms // step) * step), asked.until_ms)


def _top_scopes(asked: Meant, dimension: Dimension, limit: int) -> Steps[Top]:
    """The most clicked links or domains."""
    if len(asked.where) > 1 or (asked.where and asked.column != "link" and dimension is Dimension.CODE):
        return (yield from _top_scopes_in_log(asked, dimension, limit))
    if dimension is Dimension.CODE and asked.column != "link":
        return (yield from top_links(asked, limit))
    if not asked.column:
        asked = yield from _of_every_domain(asked)
        if asked.nothing:
            return Top([], asked.covered())
    asked, counted = (yield from _by_facet_or_log(asked)) if asked.where else (asked, lambda sql: sql.sums(asked))
    sql = Sql()
    rows = yield sql.ask(_NAMED[asked.column, dimension].format(rows=counted(sql), limit=sql.put(limit)))
    return _top(rows, asked.covered())


def _top_scopes_in_log(asked: Meant, dimension: Dimension, limit: int) -> Steps[Top]:
    asked = yield from _in_log(asked, Step.QUARTER)
    if asked.nothing:
        return Top([], asked.covered())
    sql = Sql()
    rows = f"SELECT link AS scope, clicks FROM event_log WHERE {sql.log(asked)}"
    found = yield sql.ask(_NAMED["link", dimension].format(rows=rows, limit=sql.put(limit)))
    return _top(found, asked.covered())


def _of_every_domain(asked: Meant) -> Steps[Meant]:
    domains = yield Ask("SELECT id FROM event_domain")
    return Meant(
        asked.since_ms, asked.until_ms, "domain", [number for (number,) in domains], asked.classes, asked.where
    )


def _top_classes(found: Totals, limit: int) -> Top:
    values = [TopValue(traffic.value, clicks, None) for traffic, clicks in found.by_class.items()]
    return Top(sorted(values, key=lambda value: (-value.clicks, value.value))[:limit], found.covered)


def _top(rows: Sequence[Sequence[Any]], covered: Covered) -> Top:
    return Top([TopValue(value, clicks, None) for value, clicks in rows], covered)


def _events(chosen: str, order: str) -> str:
    return f"SELECT {EVENT_COLUMNS} FROM event_log e {EVENT_JOINS} WHERE {chosen} ORDER BY {order}"


_GROUPED: Final = """SELECT {key}, CAST(sum(clicks) AS bigint) FROM ({rows}) AS n
    GROUP BY 1 HAVING sum(clicks) > 0"""
_TOP: Final = """SELECT {name}, CAST(sum(n.clicks) AS bigint)
    FROM (SELECT scope, sum(clicks) AS clicks FROM ({{rows}}) AS m GROUP BY scope) AS n {joins}
    GROUP BY 1 HAVING sum(n.clicks) > 0 ORDER BY 2 DESC, 1 LIMIT {{limit}}"""
_OF_LINK: Final = "JOIN event_link l ON l.id = n.scope JOIN event_domain d ON d.id = l.domain"
# By what the rows' scopes are, and what is asked for.
_NAMED: Final[dict[tuple[str, Dimension], str]] = {
    ("link", Dimension.CODE): _TOP.format(name="d.domain || '/' || l.code", joins=_OF_LINK),
    ("link", Dimension.DOMAIN): _TOP.format(name="d.domain", joins=_OF_LINK),
    ("domain", Dimension.DOMAIN): _TOP.format(name="d.domain", joins="JOIN event_domain d ON d.id = -n.scope"),
}


def asked_time(question: Question) -> Covered:
    """What an answer about nothing at all is about."""
    return Covered(question.since_ms, question.until_ms)
