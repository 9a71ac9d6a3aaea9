"""The figures that people ask for: the one door to click counts for the control plane."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from clicks.counts import DAY_MS, HOUR_MS, Orphan, TrafficClass
from clicks.event_stats import EventStats
from clicks.questions import ClickAnswers
from clicks.stores.contract import ClickStore
from clicks.stores.events_opening import click_answers
from clicks.stores.opening import click_store
from shortlink.clock import Clock
from shortlink.datadir import DataFolder
from shortlink.links import LinkKey
from shortlink.settings import Settings

SHOWN_HOURS: Final = 24


class HourlyClicks(NamedTuple):
    """Clicks in the hour that begins at `start_ms`, HEAD requests left out."""

    start_ms: int
    clicks: int


@dataclass(frozen=True, slots=True)
class LinkStats:
    """A link's clicks. HEAD requests stand in `by_class` alone.

    Attributes:
        total: clicks ever.
        today: clicks since midnight UTC.
        last_24h: the running hour and the 23 before it, oldest first.
        by_class: clicks ever, by class; every class is named.
    """

    total: int
    today: int
    last_24h: Sequence[HourlyClicks]
    by_class: Mapping[TrafficClass, int]


@dataclass(frozen=True, slots=True)
class ServiceStats(LinkStats):
    """The clicks of all links, removed ones included; `dropped`: clicks known to be lost, by reason."""

    dropped: Mapping[str, int]


class ClickStats:
    """Answers from a store of clicks. Every method raises StoreUnavailable when the store can't answer.

    Attributes:
        events: answers from single clicks; None: they are not kept.
    """

    def __init__(self, store: ClickStore, clock: Clock, answers: ClickAnswers | None = None) -> None:
        self._store = store
        self._clock = clock
        self.events = None if answers is None else EventStats(answers)

    async def of_link(self, key: LinkKey) -> LinkStats:
        """The clicks of one link; all zeros when nobody has followed it, or there is no such link."""
        recent = await self._recent(key)
        by_class = _every_class((await self._store.totals([key])).get(key, {}))
        return LinkStats(_followed(by_class), *recent, by_class)

    async def of_service(self) -> ServiceStats:
        """The clicks of the whole service."""
        recent = await self._recent(None)
        by_class = _every_class(await self._store.service_totals())
        return ServiceStats(_followed(by_class), *recent, by_class, await self._store.dropped())

    async def totals(self, keys: Sequence[LinkKey]) -> dict[LinkKey, int]:
        """Clicks ever of each of these links, zeros included."""
        found = await self._store.totals(keys)
        return {key: _followed(found.get(key, {})) for key in keys}

    async def orphans(self, limit: int) -> Sequence[Orphan]:
        """Codes that no link has and how often they were visited, most visits first."""
        return await self._store.orphans(limit)

    def end_live_feeds(self) -> None:
        """End the pages of everybody who watches clicks arrive."""
        if self.events is not None:
            self.events.live.end()

    async def close(self) -> None:
        """Let go of the stores."""
        self.end_live_feeds()
        if self.events is not None:
            await self.events.answers.close()
        await self._store.close()

    async def _recent(self, key: LinkKey | None) -> tuple[int, Sequence[HourlyClicks]]:
        """Today's clicks and those of the last hours; asked for before the total, which so is never smaller."""
        now_ms = self._clock.now_ms()
        midnight = now_ms // DAY_MS * DAY_MS
        until = now_ms // HOUR_MS * HOUR_MS + HOUR_MS
        series = await self._store.series(key, until - SHOWN_HOURS * HOUR_MS, until)
        hours = [HourlyClicks(point.start_ms, _followed(point.clicks)) for point in series.points]
        return sum(hour.clicks for hour in hours if hour.start_ms >= midnight), hours


async def open_stats(settings: Settings, folder: DataFolder, clock: Clock) -> ClickStats:
    """Stats of the clicks that shippers count: of this node's own in SQLite, of all nodes' in PostgreSQL.

    The store is asked when it is first needed, and again after trouble. SQLite: zeros until there is its file.
    """
    store = click_store(settings, folder, clock, read_only=True)
    await store.open()
    answers = click_answers(settings, folder, clock)
    if answers is not None:
        await answers.open()
    return ClickStats(store, clock, answers)


def _every_class(clicks: Mapping[TrafficClass, int]) -> dict[TrafficClass, int]:
    return {traffic: clicks.get(traffic, 0) for traffic in TrafficClass}


def _followed(clicks: Mapping[TrafficClass, int]) -> int:
    return sum(count for traffic, count in clicks.items() if traffic is not TrafficClass.HEAD)
