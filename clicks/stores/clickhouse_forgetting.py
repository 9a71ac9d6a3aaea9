"""Clicks taken out of ClickHouse, and out of everything that was added up of them.

Sums are corrected by inserting the clicks once more with their opposite: the views that added them up take them away
again, while new clicks come in. What happens twice does no harm, so a forgetting that broke off is repeated. States of
visitors can't be corrected like that; they are made anew of the clicks that are left, for as long as those are kept:
older ones keep a forgotten visitor's part in an estimate, which tells nothing of anybody.
"""

from typing import Any, Final

import msgspec

from clicks.counts import DAY_MS
from clicks.events.event import ClickEvent
from clicks.stores.clickhouse_database import ClickHouseDatabase
from clicks.stores.clickhouse_spans import Span
from clicks.stores.clickhouse_sql import Meant, in_days, in_time
from shortlink.links import LinkKey

SECONDS: Final = 3_600.0  # a link may have millions of clicks
_MAX_VISITOR: Final = (1 << 64) - 1


async def forget_link(database: ClickHouseDatabase, key: LinkKey) -> int:
    """As ClickAnswers has it. Sums by value lose what is still there click by click."""
    link = Meant(["domain = {domain:String} AND code = {code:String}"], {"domain": key.domain, "code": key.code})
    gone = await _clicks(database, "link_quarter", link)
    domain = Meant(["domain = {domain:String}"], {"domain": key.domain})
    domain.add(_ON_DAYS, days=await _column(database, f"toUInt16(day) FROM link_visitors WHERE {link}", link))
    await _take_away(database, link)
    await _run(database, f"INSERT INTO link_quarter {_OLDER.format(meant=link)}", link)
    await _make_visitors(database, "link_visitors", link)
    await _make_visitors(database, "domain_visitors", domain)
    return gone


async def forget_visitor(database: ClickHouseDatabase, day: int, visitor: str) -> int:
    """As ClickAnswers has it."""
    if not (visitor.isascii() and visitor.isdigit() and str(int(visitor)) == visitor and int(visitor) <= _MAX_VISITOR):
        return 0  # nobody has such a hash
    span = Span(day * DAY_MS, (day + 1) * DAY_MS)
    meant = in_time(span)
    meant.add("visitor = {visitor:UInt64}", visitor=int(visitor))
    gone = await _clicks(database, "click_event", meant)
    links = await _column(database, f"(domain, code) FROM click_event WHERE {meant}", meant)
    await _take_away(database, meant)
    for start in range(0, len(links), _LINKS_AT_ONCE):
        of_links = in_days(span)
        of_links.add(
            "(domain, code) IN {links:Array(Tuple(String, String))}", links=links[start : start + _LINKS_AT_ONCE]
        )
        await _make_visitors(database, "link_visitors", of_links)
    of_domains = in_days(span)
    of_domains.add("domain IN {domains:Array(String)}", domains=sorted({domain for domain, _ in links}))
    await _make_visitors(database, "domain_visitors", of_domains)
    return gone


async def _take_away(database: ClickHouseDatabase, meant: Meant) -> None:
    """Clicks, and their part in all sums. Only what has its opposite by now is deleted: no click that comes in
    meanwhile."""
    columns = ", ".join(_COLUMNS)
    opposite = ", ".join("-clicks" if column == "clicks" else column for column in _COLUMNS)
    await _run(
        database,
        f"INSERT INTO click_event ({columns}) SELECT {opposite} FROM click_event WHERE {meant} AND clicks > 0"
        f" AND (epoch, seq) NOT IN {_OPPOSITES.format(meant=meant)}",
        meant,
    )
    await _run(
        database, f"DELETE FROM click_event WHERE {meant} AND (epoch, seq) IN {_OPPOSITES.format(meant=meant)}", meant
    )


async def _make_visitors(database: ClickHouseDatabase, table: str, meant: Meant) -> None:
    """Make states anew, of the clicks that are there. Those that come in between are in it twice, which is the same
    as once."""
    await _run(database, f"DELETE FROM {table} WHERE {meant}", meant)
    await _run(database, f"INSERT INTO {table} {_STATES[table].format(clicks=_CLICKS.format(meant=meant))}", meant)


async def _clicks(database: ClickHouseDatabase, table: str, meant: Meant) -> int:
    found = await database.rows(f"SELECT sum(clicks) FROM {table} WHERE {meant}", meant.values)
    return int(found[0][0])


async def _column(database: ClickHouseDatabase, selected: str, meant: Meant) -> list[Any]:
    return [row[0] for row in await database.rows(f"SELECT DISTINCT {selected}", meant.values)]


async def _run(database: ClickHouseDatabase, statement: str, meant: Meant) -> None:
    await database.run(statement, meant.values, settings=_SETTINGS, timeout_seconds=SECONDS)


_LINKS_AT_ONCE: Final = 200  # in one parameter
_ON_DAYS: Final = "has({days:Array(UInt16)}, toUInt16(day))"
_COLUMNS: Final = [field.encode_name for field in msgspec.structs.fields(ClickEvent)]
_OPPOSITES: Final = "(SELECT epoch, seq FROM click_event WHERE {meant} AND clicks < 0)"
# Of what is older than the clicks one by one, sums of time are left.
_OLDER: Final = """SELECT domain, code, quarter, class, -sum(clicks) AS opposite FROM link_quarter WHERE {meant}
    GROUP BY domain, code, quarter, class HAVING opposite != 0"""
_CLICKS: Final = (
    f"(SELECT domain, code, class, visitor, toDate(intDiv(time, {DAY_MS})) AS day FROM click_event"
    " WHERE visitor != 0 AND clicks > 0 AND {meant})"
)
_STATES: Final = {
    "link_visitors": "SELECT domain, code, day, class, uniqCombined64State(13)(visitor) FROM {clicks}"
    " GROUP BY domain, code, day, class",
    "domain_visitors": "SELECT domain, day, class, uniqCombined64State(17)(visitor) FROM {clicks}"
    " GROUP BY domain, day, class",
}
# A block of opposites may be the same as one of an earlier forgetting: it is no repetition.
_SETTINGS: Final = {"insert_deduplicate": "0", "lightweight_deletes_sync": "2"}
