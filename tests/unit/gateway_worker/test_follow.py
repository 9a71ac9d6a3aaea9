"""No change is missed: the order of position, forgetting and announcing, and what happens when the feed is away."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from gateway.follow import (
    RETRY_MOST_SECONDS,
    SALTS_EVERY_SECONDS,
    SALTS_RETRY_SECONDS,
    TRIES_BEFORE_A_WORD,
    Follower,
    follow_salts,
)
from shortlink.clock import Clock
from shortlink.errors import CursorExpired, StoreUnavailable
from shortlink.links import Change, Changes, LinkKey
from tests.unit.gateway_worker.parts import HandClock, NotingEngine

HELLO = Change(LinkKey("", "hello"), 7)
THERE = Change(LinkKey("", "there"), 8)


class Enough(BaseException):
    """The script is at its end."""


@dataclass
class ScriptedFeed:
    """Gives one prepared answer a read, and notes the cursor it was asked with."""

    script: list[Changes | Exception]
    cursors: list[str | None] = field(default_factory=list)
    waits: int = 0

    async def changes(self, cursor: str | None, limit: int = 10_000) -> Changes:
        if not self.script:
            raise Enough
        self.cursors.append(cursor)
        answer = self.script.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def changed(self) -> None:
        self.waits += 1


def nothing(cursor: str) -> Changes:
    return Changes((), cursor)


@dataclass
class Sleeps:
    """Notes how long somebody wanted to wait, and goes on at once; ends the scenario after `most` waits."""

    most: int = 1_000
    seconds: list[float] = field(default_factory=list)

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)
        if len(self.seconds) >= self.most:
            raise Enough


Follow = Callable[..., tuple[ScriptedFeed, list[float]]]


@pytest.fixture
def follow(engine: NotingEngine) -> Follow:
    """Follows a scripted feed to its end."""

    def follow(*script: Changes | Exception) -> tuple[ScriptedFeed, list[float]]:
        feed, sleeps = ScriptedFeed(list(script)), Sleeps()
        with pytest.raises(Enough):
            asyncio.run(Follower(engine, feed, sleep=sleeps).run())
        return feed, sleeps.seconds

    return follow


def test_what_was_filled_before_there_was_a_position_is_suspect(follow: Follow, engine: NotingEngine) -> None:
    follow(nothing("1"))
    assert engine.told == ["forget all"]


def test_changes_are_announced_in_order(follow: Follow, engine: NotingEngine) -> None:
    feed, _ = follow(nothing("1"), Changes((HELLO,), "2"), Changes((THERE,), "3"), nothing("3"))
    assert engine.told == ["forget all", [HELLO], [THERE]]
    assert feed.cursors == [None, "1", "2", "3"]


def test_the_feed_is_drained_before_anybody_waits(follow: Follow) -> None:
    feed, _ = follow(nothing("1"), Changes((HELLO,), "2"), Changes((THERE,), "3"), nothing("3"))
    assert feed.waits == 2  # after the first position, and at the end


def test_a_gap_takes_a_new_position_before_it_forgets(follow: Follow, engine: NotingEngine) -> None:
    feed, _ = follow(nothing("1"), CursorExpired("purged"), nothing("90"), Changes((HELLO,), "91"))
    assert feed.cursors == [None, "1", None, "90"]
    assert engine.told == ["forget all", "forget all", [HELLO]]


def test_a_store_that_was_away_is_followed_from_where_it_was_left(follow: Follow, engine: NotingEngine) -> None:
    feed, _ = follow(nothing("1"), StoreUnavailable("away"), StoreUnavailable("away"), Changes((HELLO,), "2"))
    assert feed.cursors == [None, "1", "1", "1"]
    assert engine.told == ["forget all", [HELLO]]


def test_a_store_that_is_away_is_asked_less_and_less_often(follow: Follow) -> None:
    away = [StoreUnavailable("away")] * 7
    _, seconds = follow(*away, nothing("1"), StoreUnavailable("away"))
    assert seconds == [0.05, 0.1, 0.2, 0.4, 0.8, RETRY_MOST_SECONDS, RETRY_MOST_SECONDS, 0.05]


def test_only_a_long_absence_is_worth_a_word(follow: Follow, caplog: pytest.LogCaptureFixture) -> None:
    away: list[Changes | Exception] = [StoreUnavailable("away")] * TRIES_BEFORE_A_WORD
    follow(*away[1:], nothing("1"), *away[1:], nothing("1"))
    assert caplog.messages == []
    follow(*away, *away, nothing("1"))
    assert caplog.messages == ["the change feed is away: away", "the change feed is back"]


def test_a_fault_of_ours_costs_all_copies_but_not_the_feed(follow: Follow, engine: NotingEngine) -> None:
    feed, _ = follow(nothing("1"), RuntimeError("a fault"), nothing("5"))
    assert feed.cursors == [None, "1", None]
    assert engine.told == ["forget all", "forget all"]


@dataclass
class ScriptedSalts:
    """Gives one prepared answer a read."""

    script: Sequence[Mapping[int, bytes] | Exception]
    reads: int = 0

    async def salts(self) -> Mapping[int, bytes]:
        answer = self.script[self.reads]
        self.reads += 1
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def rotate_salts(self, now_ms: int) -> None:
        raise NotImplementedError


def salts_of(engine: NotingEngine, clock: Clock, *script: Mapping[int, bytes] | Exception) -> list[float]:
    """Read salts until the script ends; how long was waited after each read."""
    sleeps = Sleeps(most=len(script))
    with pytest.raises(Enough):
        asyncio.run(follow_salts(engine, ScriptedSalts(script), clock, sleep=sleeps))
    return sleeps.seconds


def test_salts_are_read_at_once_and_each_minute(engine: NotingEngine, clock: HandClock) -> None:
    today = clock.now_ms() // 86_400_000
    salts = {today: bytes(16)}
    assert salts_of(engine, clock, salts, salts) == [SALTS_EVERY_SECONDS] * 2
    assert engine.told == [salts, salts]


def test_todays_salt_is_looked_for_each_second_until_it_is_there(engine: NotingEngine, clock: HandClock) -> None:
    today = clock.now_ms() // 86_400_000
    waits = salts_of(engine, clock, StoreUnavailable("away"), {}, {today - 1: bytes(16)}, {today: bytes(16)})
    assert waits == [SALTS_RETRY_SECONDS] * 3 + [SALTS_EVERY_SECONDS]
