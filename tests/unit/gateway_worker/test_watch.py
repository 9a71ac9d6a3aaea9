"""Redis is trusted only while a relay of its own run is heard, and changes are read only in an unbroken chain."""

import pytest

from gateway.sources.watch import BACKLOG, REMEMBERED_SECONDS, SILENT_SECONDS, RelayWatch
from shortlink.cache.contract import Announcement, Copy
from shortlink.links import Change, Changes, LinkKey
from tests.unit.gateway_worker.parts import HandClock
from tests.unit.gateway_worker.shared import MemoryCache, said

HELLO = Change(LinkKey("", "hello"), 7)
THERE = Change(LinkKey("", "there"), 8)


@pytest.fixture
def cache() -> MemoryCache:
    return MemoryCache()


@pytest.fixture
def watch(clock: HandClock, cache: MemoryCache) -> RelayWatch:
    watch = RelayWatch(clock)
    watch.watch(cache)
    watch.hear(None)
    return watch


def test_redis_is_not_trusted_before_a_relay_is_heard(watch: RelayWatch) -> None:
    assert not watch.is_source
    watch.hear(said("1"))
    assert watch.is_source


def test_a_relay_that_falls_silent_is_no_longer_trusted(watch: RelayWatch, clock: HandClock) -> None:
    watch.hear(said("1"))
    clock.advance(SILENT_SECONDS)
    assert not watch.is_live


@pytest.mark.parametrize("run", ["run-2", None])
def test_another_redis_is_not_trusted_on_the_word_of_before(
    watch: RelayWatch, cache: MemoryCache, run: str | None
) -> None:
    watch.hear(said("1"))
    cache.run = run
    assert not watch.is_live
    assert not watch.hear(said("1"))


def test_a_relay_without_the_store_is_live_but_no_source(watch: RelayWatch) -> None:
    watch.hear(said("1", store_answers=False))
    assert watch.is_live
    assert not watch.is_source
    assert watch.after("1") is None
    assert watch.reached == "1"


def test_a_relay_of_an_older_term_is_not_heeded(watch: RelayWatch, clock: HandClock) -> None:
    watch.hear(said("5", term=2))
    clock.advance(SILENT_SECONDS)
    assert not watch.hear(said("5", "6", HELLO, term=1))
    assert not watch.is_live


def test_announcements_that_follow_on_the_cursor_are_the_feed(watch: RelayWatch) -> None:
    for announcement in (said("1"), said("1", "2", HELLO), said("2", "3", THERE), said("3")):
        watch.hear(announcement)
    assert watch.after("1") == Changes((HELLO,), "2")
    assert watch.after("2") == Changes((THERE,), "3")
    assert watch.after("3") == Changes((), "3")


@pytest.mark.parametrize(
    "heard",
    [
        [said("1"), said("2", "3", THERE)],  # one was lost
        [said("1"), said("3")],  # one was lost, as the heartbeat shows
        [said("1"), None],  # subscribed anew
        [said("1"), None, said("2")],
        [],
    ],
)
def test_a_break_in_the_chain_is_not_taken_for_the_feed(watch: RelayWatch, heard: list[Announcement | None]) -> None:
    for announcement in heard:
        watch.hear(announcement)
    assert watch.after("1") is None


def test_the_chain_goes_on_where_the_store_was_read_to(watch: RelayWatch) -> None:
    for announcement in (said("1", "2", HELLO), said("2", "3", HELLO), said("3", "4", THERE)):
        watch.hear(announcement)
    assert watch.after("3") == Changes((THERE,), "4")


def test_a_flood_of_announcements_is_bounded(watch: RelayWatch) -> None:
    for number in range(BACKLOG + 1):
        watch.hear(said(str(number), str(number + 1), HELLO))
    assert watch.after("0") is None


def test_a_heartbeat_without_news_wakes_nobody(watch: RelayWatch) -> None:
    watch.hear(said("1"))
    watch.news.clear()
    watch.hear(said("1"))
    assert not watch.news.is_set()
    for news in (said("1", "2", HELLO), said("3"), None):
        watch.news.clear()
        watch.hear(news)
        assert watch.news.is_set()


def test_a_copy_older_than_an_announcement_is_no_answer_for_a_minute(watch: RelayWatch, clock: HandClock) -> None:
    watch.hear(said("1", "2", HELLO))
    watch.remember([Change(HELLO.key, 3)])
    assert not watch.is_current(HELLO.key, Copy(6, None, 0))
    assert watch.is_current(HELLO.key, Copy(7, None, 0))
    assert watch.is_current(THERE.key, Copy(1, None, 0))
    clock.advance(REMEMBERED_SECONDS)
    assert watch.is_current(HELLO.key, Copy(6, None, 0))
