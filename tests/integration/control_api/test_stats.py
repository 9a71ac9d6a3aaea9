"""Clicks as the API tells them, from the file that the shipper writes."""

from pathlib import Path

from clicks.counts import ClickBatch, CountKey, TrafficClass
from clicks.stores.sqlite import SqliteClickStore
from tests.integration.control_api.api import DOMAIN, START_MS, Api, ManualClock

HOUR_MS = 3_600_000


def count(api: Api, folder: Path, *clicks: tuple[str, str, int, TrafficClass, int]) -> None:
    """Count clicks like the shipper does: (domain, code, hours ago, class, how many)."""

    async def ship() -> None:
        store = SqliteClickStore(folder / "clicks.db", ManualClock())
        await store.open()
        counts = {
            CountKey(domain, code, (START_MS // HOUR_MS - hours) * HOUR_MS, traffic): number
            for domain, code, hours, traffic, number in clicks
        }
        assert await store.add(ClickBatch(b"e" * 16, 0, 1, counts, {"power": 2}))
        await store.close()

    api.run(ship())


def test_a_link_that_nobody_followed_has_zeros(api: Api) -> None:
    api.shorten(alias="spring")
    stats = api.ask("GET", "/api/stats/spring").json()
    assert (stats["total"], stats["today"], sum(hour["clicks"] for hour in stats["last_24h"])) == (0, 0, 0)


def test_a_links_clicks_are_told_by_hour_and_class(api: Api, tmp_path: Path) -> None:
    api.shorten(alias="spring")
    count(
        api,
        tmp_path / "data",
        ("", "spring", 0, TrafficClass.HUMAN, 3),
        ("", "spring", 1, TrafficClass.BOT, 2),
        ("", "spring", 48, TrafficClass.HUMAN, 10),
        ("", "spring", 0, TrafficClass.HEAD, 7),
        (DOMAIN, "spring", 0, TrafficClass.HUMAN, 100),
    )
    stats = api.ask("GET", "/api/stats/spring").json()
    assert (stats["total"], stats["today"]) == (15, 5)
    assert stats["last_24h"][-1] == {"start": "2027-01-15T08:00:00Z", "clicks": 3}
    assert stats["last_24h"][-2] == {"start": "2027-01-15T07:00:00Z", "clicks": 2}
    assert len(stats["last_24h"]) == 24
    assert {name: number for name, number in stats["by_class"].items() if number} == {"human": 13, "bot": 2, "head": 7}


def test_the_service_counts_all_links_and_what_was_lost(api: Api, tmp_path: Path) -> None:
    api.shorten(alias="spring")
    api.shorten(alias="autumn", domain=DOMAIN)
    count(
        api,
        tmp_path / "data",
        ("", "spring", 0, TrafficClass.HUMAN, 3),
        (DOMAIN, "autumn", 0, TrafficClass.PREVIEW, 4),
    )
    stats = api.ask("GET", "/api/stats").json()
    assert (stats["total"], stats["today"], stats["links"], stats["dropped"]) == (7, 7, 2, {"power": 2})


def test_an_unknown_link_has_no_stats(api: Api) -> None:
    reply = api.ask("GET", "/api/stats/nothing")
    assert (reply.status_code, reply.json()["type"]) == (404, "/problems/link-not-found")
