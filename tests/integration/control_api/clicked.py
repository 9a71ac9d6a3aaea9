"""A control plane whose single clicks are in a store that the test fills."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

from clicks.counts import TrafficClass
from clicks.events.event import VERSION, ClickEvent
from clicks.stats import ClickStats
from clicks.stores.memory import MemoryClickStore
from clicks.stores.memory_events import MemoryEvents
from clicks.stores.sqlite_events import SqliteEvents
from tests.integration.control_api.api import START_MS, Api, running

EPOCH = "00112233-4455-6677-8899-aabbccddeeff"
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


def click(seq: int, hours_ago: float = 0, **fields: Any) -> ClickEvent:  # noqa: ANN401 - ClickEvent's
    """A click of somebody with Firefox from Berlin, but for what is said otherwise."""
    plain: dict[str, Any] = {
        "v": VERSION,
        "epoch": EPOCH,
        "seq": seq,
        "node": "node-1",
        "worker": 0,
        "time": int(START_MS - hours_ago * HOUR_MS),
        "clicks": 1,
        "domain": "",
        "code": "spring",
        "variant": 0,
        "traffic": TrafficClass.HUMAN,
        "reason": "browser",
        "browser": "Firefox",
        "os": "Linux",
        "device": "desktop",
        "user_agent": "Mozilla/5.0",
        "visitor": "7",
        "network": "203.0.113.0/24",
        "country": "DE",
        "city": "Berlin",
        "referrer": "https://news.example.com/1",
        "referrer_host": "news.example.com",
        "language": "de",
    }
    utm = dict.fromkeys(("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content"), "")
    return ClickEvent(**(plain | utm | fields))


class Clicked:
    """An Api, and the clicks that it tells of."""

    def __init__(self, api: Api, store: MemoryEvents | SqliteEvents) -> None:
        self.api = api
        self.store = store

    def fill(self, *events: ClickEvent) -> None:
        """Store more clicks, as if a shipper had."""
        self.api.run(self.add(events))

    async def add(self, events: Sequence[ClickEvent]) -> None:
        epoch = UUID(EPOCH).bytes
        reached = (await self.store.watermarks()).get(epoch, 0)
        assert await self.store.add_events(epoch, reached, reached + len(events), events)

    def get(self, path: str, **params: Any) -> dict[str, Any]:  # noqa: ANN401 - httpx's
        """What /api/stats/… answers, which must be 200."""
        reply = self.api.ask("GET", f"/api/stats/{path}", params=params)
        assert reply.status_code == 200, reply.text
        answer: dict[str, Any] = reply.json()
        return answer

    def refused(self, path: str, **params: Any) -> tuple[int, str, str | None]:  # noqa: ANN401 - httpx's
        """The problem that it answers: status, kind and field."""
        reply = self.api.ask("GET", f"/api/stats/{path}", params=params)
        problem = reply.json()
        return reply.status_code, problem["type"].removeprefix("/problems/"), problem.get("field")


@contextlib.contextmanager
def with_clicks(folder: Path) -> Iterator[Clicked]:
    """A control plane on a data folder, and on single clicks in memory."""
    with running(folder) as api:
        store = MemoryEvents(api.clock)
        api.use(replace(api.plane, clicks=ClickStats(MemoryClickStore(api.clock), api.clock, store)))
        yield Clicked(api, store)


@contextlib.contextmanager
def with_clicks_in_sqlite(folder: Path) -> Iterator[Clicked]:
    """A control plane on a data folder, with the file of single clicks that its shipper writes."""
    with running(folder) as api:
        events = api.plane.clicks.events
        assert events is not None
        store = SqliteEvents(folder / "events.db", api.clock, kept_days=90, kept_rows=1_000_000)
        api.run(store.open())
        try:
            clicks = ClickStats(MemoryClickStore(api.clock), api.clock, events.answers)
            api.use(replace(api.plane, clicks=clicks))
            yield Clicked(api, store)
        finally:
            api.run(store.close())
