"""Clicks made up for benchmarks: Zipf's law over links, a year of days and nights, few browsers and many places."""

import asyncio
import random
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Final, NamedTuple

from clicks.counts import DAY_MS, TrafficClass
from clicks.events.event import VERSION, ClickEvent
from clicks.stores.sqlite_events import SqliteEvents
from shortlink.clock import Clock, SystemClock

CHUNK: Final = 20_000  # what the shipper reads at once
EPOCH: Final = bytes(range(16))
EPOCH_TEXT: Final = "00010203-0405-0607-0809-0a0b0c0d0e0f"
KEPT_DAYS: Final = 90
KEPT_ROWS: Final = 1_000_000


class World(NamedTuple):
    """What clicks are made of.

    Attributes:
        links: how many there are; the nth has a click in n times as rarely as the first.
        first_ms: when the clicks begin, ms since the Unix epoch.
        days: over how many they are spread, evenly but for the hours of the day.
    """

    links: int
    first_ms: int
    days: int = 365
    seed: int = 302


def code(number: int) -> str:
    """The code of the link with this number, the most clicked being 0."""
    return f"c{number:06}"


def made_up(world: World, count: int) -> Iterator[Sequence[ClickEvent]]:
    """So many clicks in order of time, in chunks; the same for the same world."""
    dice = random.Random(world.seed)
    weights = list(accumulate(1 / rank for rank in range(1, world.links + 1)))
    numbers = range(world.links)
    for start in range(0, count, CHUNK):
        size = min(CHUNK, count - start)
        chosen = dice.choices(numbers, cum_weights=weights, k=size)
        shapes = dice.choices(_AGENTS, cum_weights=_AGENT_WEIGHTS, k=size)
        places = dice.choices(_PLACES, cum_weights=_PLACE_WEIGHTS, k=size)
        sources = dice.choices(_SOURCES, cum_weights=_SOURCE_WEIGHTS, k=size)
        languages = dice.choices(_LANGUAGES, cum_weights=_LANGUAGE_WEIGHTS, k=size)
        yield [
            _click(world, count, start + at, chosen[at], (*shapes[at], *places[at], *sources[at], languages[at]), dice)
            for at in range(size)
        ]


def fill_sqlite(path: Path, world: World, count: int, clock: Clock | None = None) -> None:
    """Put so many clicks into a new SQLite store, as a shipper and its hourly upkeep would."""
    asyncio.run(_fill_sqlite(path, world, count, clock or SystemClock()))


async def _fill_sqlite(path: Path, world: World, count: int, clock: Clock) -> None:
    store = SqliteEvents(path, clock, kept_days=KEPT_DAYS, kept_rows=KEPT_ROWS)
    await store.open()
    try:
        reached = 0
        for number, events in enumerate(made_up(world, count), 1):
            await store.add_events(EPOCH, reached, reached + len(events), events)
            reached += len(events)
            if not number % 25 or reached == count:
                await store.keep(events[-1].time)
    finally:
        await store.close()


def _click(world: World, count: int, at: int, link: int, texts: tuple[str, ...], dice: random.Random) -> ClickEvent:
    traffic, reason, browser, system, device, agent, country, city, referrer, host, language = texts
    return ClickEvent(
        v=VERSION,
        epoch=EPOCH_TEXT,
        seq=at + 1,
        node="node-1",
        worker=0,
        time=world.first_ms + at * world.days * DAY_MS // count,
        clicks=1,
        domain="",
        code=code(link),
        variant=0,
        traffic=TrafficClass(traffic),
        reason=reason,
        browser=browser,
        os=system,
        device=device,
        user_agent=agent,
        visitor=str(dice.getrandbits(20) * 0x9E3779B97F4A7C15 % (1 << 64)),
        network=f"203.{dice.randrange(64)}.{dice.randrange(256)}.0/24",
        country=country,
        city=city,
        referrer=referrer,
        referrer_host=host,
        language=language,
        utm_source=f"source-{link % 7}" if not link % 3 else "",
        utm_medium="email" if not link % 3 else "",
        utm_campaign=f"campaign-{link % 40}" if not link % 3 else "",
        utm_term="",
        utm_content="",
    )


def _zipf(count: int) -> list[float]:
    return list(accumulate(1 / rank for rank in range(1, count + 1)))


_AGENTS: Final = [
    *(
        ("human", "browser", browser, system, device, f"Mozilla/5.0 ({system}; {version}) {browser}/{version}.0")
        for version in range(100, 120)
        for browser, system, device in (
            ("Chrome Mobile", "Android", "mobile"),
            ("Mobile Safari", "iOS", "mobile"),
            ("Chrome", "Windows", "desktop"),
            ("Safari", "Mac OS X", "desktop"),
            ("Firefox", "Linux", "desktop"),
            ("Edge", "Windows", "desktop"),
        )
    ),
    *(("bot", "search-engine", f"Bot {n}", "", "", f"Bot {n}/1.0 (+https://example.com/bot)") for n in range(20)),
    *(("preview", name, "", "", "", f"{name}/1.0") for name in ("slack", "telegram", "whatsapp", "twitter")),
    ("monitor", "uptimerobot", "", "", "", "UptimeRobot/2.0"),
    ("prefetch", "purpose", "Chrome", "Windows", "desktop", "Mozilla/5.0 (Windows) Chrome/119.0"),
    ("head", "method", "", "", "", "curl/8.0"),
]
_AGENT_WEIGHTS: Final = _zipf(len(_AGENTS))
_COUNTRIES: Final = ("DE", "US", "FR", "GB", "IN", "BR", "PL", "ES", "IT", "NL", "JP", "CA", "MX", "TR", "ID", "AT")
_PLACES: Final = [(country, f"City {country} {n}") for n in range(50) for country in _COUNTRIES]
_PLACE_WEIGHTS: Final = _zipf(len(_PLACES))
_SOURCES: Final = [
    ("", ""),
    *((f"https://site{n % 300}.example/page/{n}", f"site{n % 300}.example") for n in range(3_000)),
]
_SOURCE_WEIGHTS: Final = _zipf(len(_SOURCES))
_LANGUAGES: Final = ("en-US", "de", "fr", "en-GB", "pt-BR", "es", "pl", "it", "nl", "ja", "tr", "sv", "cs", "zh")
_LANGUAGE_WEIGHTS: Final = _zipf(len(_LANGUAGES))
