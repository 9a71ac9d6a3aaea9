"""How many different visitors came: by whole days from the sums, else from the log as far as it goes back."""

# ruff: noqa: S608 (statements are put together from words of these files; values are parameters)

from collections import Counter
from typing import Final

from clicks.counts import DAY_MS
from clicks.stores.event_scopes import Meant, Sql
from clicks.stores.event_upkeep import Ask, Steps

_BY_DAY: Final = "SELECT day, count(*) FROM ({rows}) AS n GROUP BY day"


def visitors(asked: Meant) -> Steps[int | None]:
    """Different visitors a UTC day, days added up; None: nobody knows any more. No question with `where`."""
    total = 0
    for part in _parts(asked):
        whole = not part.since_ms % DAY_MS and not part.until_ms % DAY_MS
        counted = (yield from visitors_by_day(part)) if whole else (yield from _in_log(part))
        if counted is None:
            return None
        total += sum(counted.values())
    return total


def visitors_by_day(asked: Meant) -> Steps[dict[int, int] | None]:
    """The same of whole days, by day. Several scopes have visitors in common, which only the log can tell."""
    if len(asked.scopes) > 1:
        return (yield from _in_log(asked))
    first, end = asked.since_ms // DAY_MS, asked.until_ms // DAY_MS
    [scope] = asked.scopes
    classes = sum(1 << number for number in asked.classes)
    found: Counter[int] = Counter()
    closed = yield Ask(
        f"""SELECT day, visitors FROM event_visitor_day
        WHERE scope = $1 AND day >= $2 AND day < $3 AND (classes & {classes}) <> 0""",
        (scope, first, end),
    )
    for day, count in closed:
        found[day] += count
    sql = Sql()
    rows = f"""SELECT day, visitor FROM event_visitor WHERE scope = {sql.put(scope)} AND day >= {sql.put(first)}
        AND day < {sql.put(end)} AND (classes & {classes}) <> 0
        UNION SELECT time / {DAY_MS} AS day, visitor {sql.tail(asked)} AND visitor <> 0"""
    for day, count in (yield sql.ask(_BY_DAY.format(rows=rows))):
        found[day] += count
    return dict(found)


def _parts(asked: Meant) -> list[Meant]:
    """Whole days and what is over before and after; all of it in one where several scopes are asked."""
    return [asked] if len(asked.scopes) > 1 else [part for part in asked.split() if not part.nothing]


def _in_log(asked: Meant) -> Steps[dict[int, int] | None]:
    if asked.since_ms < (yield Ask("SELECT log_since FROM event_state"))[0][0]:
        return None
    sql = Sql()
    rows = f"""SELECT DISTINCT time / {DAY_MS} AS day, visitor FROM event_log
        WHERE {sql.log(asked)} AND visitor <> 0"""
    return dict(tuple(row) for row in (yield sql.ask(_BY_DAY.format(rows=rows))))
