"""A year of clicks in ClickHouse, made up by itself: links by Zipf's law, few browsers and many places."""

import sys
from typing import Final

from bench.event_filling import World
from clicks.counts import DAY_MS
from devstack.clickhouse import ClickHouse

AT_ONCE: Final = 500_000


def fill_clickhouse(server: ClickHouse, database: str, world: World, count: int) -> None:
    """Insert so many clicks, in order of time; its tables are there, and sums are made of them as of any others."""
    for first in range(0, count, AT_ONCE):
        rows = min(AT_ONCE, count - first)
        server.query(
            _SQL.format(first=first, rows=rows, ms_a_click=world.days * DAY_MS / count, **_of(world)), database
        )
        print(f"{first + rows:,} clicks in ClickHouse", file=sys.stderr, flush=True)


def _of(world: World) -> dict[str, int]:
    return {"links": world.links, "first_ms": world.first_ms}


# Of a share u between 0 and 1, (links + 1) ^ u has the ranks of Zipf's law with exponent 1.
_SQL: Final = """
INSERT INTO click_event (v, epoch, seq, node, worker, time, clicks, domain, code, variant, class, reason, browser, os,
    device, user_agent, visitor, network, country, city, referrer, referrer_host, language, utm_source, utm_medium,
    utm_campaign, utm_term, utm_content)
WITH
    {first} + number AS n,
    rand64(1) / pow(2, 64) AS u,
    toUInt32(pow({links} + 1, u)) - 1 AS link,
    toUInt32(pow(7, rand64(2) / pow(2, 64))) - 1 AS kind,
    toUInt32(pow(40, rand64(3) / pow(2, 64))) AS place,
    toUInt32(pow(3000, rand64(4) / pow(2, 64))) AS page
SELECT 1, '00010203-0405-4607-8809-0a0b0c0d0e0f', n + 1, 'node-1', 0,
    toInt64({first_ms} + n * {ms_a_click}), 1, '', concat('c', leftPad(toString(link), 6, '0')), 0,
    ['human', 'human', 'human', 'human', 'bot', 'preview'][kind + 1],
    ['browser', 'browser', 'browser', 'browser', 'search-engine', 'slack'][kind + 1],
    ['Chrome Mobile', 'Mobile Safari', 'Chrome', 'Firefox', '', ''][kind + 1],
    ['Android', 'iOS', 'Windows', 'Linux', '', ''][kind + 1],
    ['mobile', 'mobile', 'desktop', 'desktop', 'bot', 'bot'][kind + 1],
    concat('Mozilla/5.0 (kind ', toString(kind), '; version ', toString(rand(5) % 20), ')'),
    rand64(6) % 2000000 * 11400714819323198485,
    concat('203.', toString(rand(7) % 64), '.', toString(rand(8) % 256), '.0/24'),
    ['DE', 'US', 'FR', 'GB', 'IN', 'BR', 'PL', 'ES', 'IT', 'NL'][place % 10 + 1], concat('City ', toString(place)),
    if(page % 3 = 0, '', concat('https://site', toString(page % 300), '.example/page/', toString(page))),
    if(page % 3 = 0, '', concat('site', toString(page % 300), '.example')),
    ['en', 'de', 'fr', 'pt-BR', 'es'][rand(9) % 5 + 1],
    if(link % 3 = 0, concat('source-', toString(link % 7)), ''), if(link % 3 = 0, 'email', ''),
    if(link % 3 = 0, concat('campaign-', toString(link % 40)), ''), '', ''
FROM numbers({rows})
"""
