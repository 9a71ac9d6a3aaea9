"""The most clicked links of a domain or of the service, without adding up all links there are.

A short time is added up link by link. For a long one, links are looked at in the order of their clicks of all time,
a bound that no time can surpass, until the next can't be among the most clicked any more.
"""

# ruff: noqa: S608 (statements are put together from words of these files; values are parameters)

from collections import Counter
from dataclasses import replace
from typing import Final

from clicks.counts import DAY_MS
from clicks.questions import Top, TopValue
from clicks.stores.event_scopes import Meant, Sql
from clicks.stores.event_upkeep import Ask, Steps

SHORT_MS: Final = 8 * DAY_MS
LOOKED_AT_ONCE: Final = 50
# With links as popular now as ever, a dozen more than were asked for do; past this, adding all up is no slower.
MOST_LOOKED_AT: Final = 5_000


def top_links(asked: Meant, limit: int) -> Steps[Top]:
    """The links with most clicks, of a question without `where` that names no links."""
    if asked.until_ms - asked.since_ms > SHORT_MS:
        found = yield from _by_bound(asked, limit)
        if found is not None:
            return Top((yield from _named(found, limit)), asked.covered())
    whole = asked.by_whole_days()
    sql = Sql()
    # The limit is for names: of equal links, those come first whose text does.
    rows = yield sql.ask(
        f"""SELECT link, CAST(sum(clicks) AS bigint) FROM ({sql.links(whole)}) AS n GROUP BY link
        HAVING sum(clicks) > 0 ORDER BY 2 DESC"""
    )
    return Top((yield from _named(_with_ties(Counter(dict(map(tuple, rows))), limit), limit)), whole.covered())


def _by_bound(asked: Meant, limit: int) -> Steps[Counter[int] | None]:
    """Clicks of links among which the most clicked are; None: too many would have to be looked at."""
    sql = Sql()
    tail: Counter[int] = Counter()
    for link, clicks in (yield sql.ask(f"SELECT link, clicks {sql.tail(asked)}")):
        tail[link] += clicks
    waiting = [clicks for _, clicks in tail.most_common()]
    found: Counter[int] = Counter()
    for offset in range(0, MOST_LOOKED_AT, LOOKED_AT_ONCE):
        sql = Sql()
        domain = f"WHERE {sql.one_of('domain', asked.ids)}" if asked.column else ""
        # No order of its own for equal ones but the id's, so that pages have nothing in common.
        links = yield sql.ask(
            f"SELECT id, clicks FROM event_link {domain} ORDER BY clicks DESC, id DESC LIMIT {LOOKED_AT_ONCE}"
            f" OFFSET {offset}"
        )
        if links:
            found.update((yield from _clicks_of(asked, [link for link, _ in links])))
            found.update({link: tail[link] for link, _ in links if link in tail})
        if len(links) < LOOKED_AT_ONCE:
            return found
        bound = links[-1][1] + (waiting[0] if waiting else 0)
        if len(found) >= limit and found.most_common(limit)[-1][1] > bound:
            return found
    return None


def _clicks_of(asked: Meant, links: list[int]) -> Steps[dict[int, int]]:
    sql = Sql()
    rows = sql.sums(replace(asked, column="link", ids=links), tail=False)
    found = yield sql.ask(f"SELECT scope, CAST(sum(clicks) AS bigint) FROM ({rows}) AS n GROUP BY scope")
    return dict(map(tuple, found))


def _with_ties(found: Counter[int], limit: int) -> Counter[int]:
    """The first ones, and those that have as many clicks as the last of them."""
    first = found.most_common(limit)
    if len(first) < limit or not first:
        return found
    return Counter({link: clicks for link, clicks in found.items() if clicks >= first[-1][1]})


def _named(found: Counter[int], limit: int) -> Steps[list[TopValue]]:
    chosen = {link: clicks for link, clicks in _with_ties(found, limit).items() if clicks > 0}
    rows = yield Ask(
        "SELECT l.id, d.domain || '/' || l.code FROM event_link l JOIN event_domain d ON d.id = l.domain"
        " WHERE l.id = ANY($1)",
        (list(chosen),),
    )
    values = [TopValue(name, chosen[link], None) for link, name in rows]
    return sorted(values, key=lambda value: (-value.clicks, value.value))[:limit]
