"""What stats say about what a store has counted."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from clicks.counts import DAY_MS, HOUR_MS, ClickBatch, CountKey, TrafficClass
from clicks.stats import ClickStats, HourlyClicks, LinkStats, ServiceStats, open_stats
from clicks.stores.memory import MemoryClickStore
from clicks.stores.sqlite import SqliteClickStore
from shortlink.datadir import DataFolder
from shortlink.errors import StoreCorrupt
from shortlink.links import LinkKey
from shortlink.settings import Settings
from tests.store_contract.clicks.samples import NOON_MS, ManualClock, batch, count_key, epoch

KEY = LinkKey("", "abcdefg")
HEAD, BOT = TrafficClass.HEAD, TrafficClass.BOT


def stats_of(counts: dict[CountKey, int], now_ms: int = NOON_MS + 1) -> LinkStats:
    async def ask() -> LinkStats:
        clock = ManualClock(now_ms)
        store = MemoryClickStore(clock)
        await store.add(batch(1, 0, 1, counts))
        stats = await ClickStats(store, clock).of_link(KEY)
        service = await ClickStats(store, clock).of_service()
        assert LinkStats(service.total, service.today, service.last_24h, service.by_class) == stats
        return stats

    return asyncio.run(ask())


def test_a_link_never_followed_has_zeros_everywhere() -> None:
    stats = stats_of({})
    assert (stats.total, stats.today) == (0, 0)
    assert stats.by_class == dict.fromkeys(TrafficClass, 0)
    assert [point.clicks for point in stats.last_24h] == [0] * 24


def test_the_last_24_hours_end_with_the_running_one() -> None:
    now_hour = NOON_MS + 5 * HOUR_MS
    stats = stats_of({count_key("abcdefg", hour_ms=now_hour): 1}, now_ms=now_hour + HOUR_MS - 1)
    assert stats.last_24h[-1] == HourlyClicks(now_hour, 1)
    assert stats.last_24h[0].start_ms == now_hour - 23 * HOUR_MS


def test_clicks_of_25_hours_ago_are_in_the_total_alone() -> None:
    stats = stats_of({count_key("abcdefg", hour_ms=NOON_MS - 25 * HOUR_MS): 7})
    assert stats.total == 7
    assert stats.today == 0
    assert sum(point.clicks for point in stats.last_24h) == 0


@pytest.mark.parametrize(("hours_after_midnight", "today"), [(-1, 0), (0, 5), (12, 5)])
def test_today_begins_at_midnight_utc(hours_after_midnight: int, today: int) -> None:
    midnight = NOON_MS - 12 * HOUR_MS
    stats = stats_of({count_key("abcdefg", hour_ms=midnight + hours_after_midnight * HOUR_MS): 5})
    assert stats.today == today
    assert stats.total == 5


def test_all_of_today_is_seen_in_its_last_hour() -> None:
    midnight = NOON_MS - 12 * HOUR_MS
    counts = {count_key("abcdefg", hour_ms=midnight + n * HOUR_MS): 1 for n in range(24)}
    assert stats_of(counts, now_ms=midnight + DAY_MS - 1).today == 24


def test_head_requests_stand_in_by_class_alone() -> None:
    stats = stats_of({count_key("abcdefg", traffic=HEAD): 3, count_key("abcdefg", traffic=BOT): 2})
    assert (stats.total, stats.today, stats.last_24h[-1].clicks) == (2, 2, 2)
    assert stats.by_class[HEAD] == 3
    assert stats.by_class[BOT] == 2


def test_every_class_but_head_is_in_the_total() -> None:
    stats = stats_of({count_key("abcdefg", traffic=traffic): 1 for traffic in TrafficClass})
    assert stats.total == len(TrafficClass) - 1


def test_the_service_says_what_was_lost() -> None:
    async def ask() -> ServiceStats:
        store = MemoryClickStore(ManualClock())
        await store.add(ClickBatch(epoch(1), 0, 5, {count_key("abcdefg"): 2}, {"power": 3}))
        return await ClickStats(store, ManualClock()).of_service()

    stats = asyncio.run(ask())
    assert (stats.total, stats.dropped) == (2, {"power": 3})


def test_totals_name_every_link_asked_for() -> None:
    async def ask() -> dict[LinkKey, int]:
        store = MemoryClickStore(ManualClock())
        await store.add(batch(1, 0, 2, {count_key("abcdefg"): 1, count_key("abcdefg", traffic=HEAD): 1}))
        return await ClickStats(store, ManualClock()).totals([KEY, LinkKey("", "nobody")])

    assert asyncio.run(ask()) == {KEY: 1, LinkKey("", "nobody"): 0}


def with_node_stats(folder: Path, use: Callable[[ClickStats], Coroutine[Any, Any, None]]) -> None:
    async def run() -> None:
        stats = await open_stats(Settings(), DataFolder(folder), ManualClock())
        try:
            await use(stats)
        finally:
            await stats.close()

    asyncio.run(run())


def test_a_node_whose_shipper_never_ran_has_zeros(tmp_path: Path) -> None:
    async def use(stats: ClickStats) -> None:
        assert (await stats.of_link(KEY)).total == 0
        assert (await stats.of_service()).total == 0
        assert await stats.totals([KEY]) == {KEY: 0}
        assert not DataFolder(tmp_path).clicks_db.exists()

    with_node_stats(tmp_path, use)


def test_clicks_show_as_soon_as_the_shipper_has_counted_them(tmp_path: Path) -> None:
    async def use(stats: ClickStats) -> None:
        assert (await stats.of_link(KEY)).total == 0
        writer = SqliteClickStore(DataFolder(tmp_path).clicks_db, ManualClock())
        await writer.open()
        await writer.add(batch(1, 0, 3))
        assert (await stats.of_link(KEY)).total == 3
        await writer.close()

    with_node_stats(tmp_path, use)


def test_a_damaged_file_is_no_zero(tmp_path: Path) -> None:
    DataFolder(tmp_path).clicks_db.write_bytes(b"no database" * 1_000)

    async def use(stats: ClickStats) -> None:
        with pytest.raises(StoreCorrupt):
            await stats.of_link(KEY)

    with_node_stats(tmp_path, use)
