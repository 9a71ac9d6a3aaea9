"""Clicks whose time is over leave the log; what was added up of them is answered as before, and answers say so."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings

from clicks.counts import DAY_MS, TrafficClass
from clicks.events.event import ClickEvent
from clicks.questions import QUARTER_MS, ClickAnswers, Dimension, Question, Step
from clicks.stores.memory_events import MemoryEvents
from clicks.stores.postgres_events import PostgresEvents
from clicks.stores.sqlite_events import SqliteEvents
from shortlink.links import LinkKey
from shortlink.stores.postgres_database import PostgresDatabase
from tests.store_contract.clicks.samples import ManualClock
from tests.store_contract.events.asking import Asking, TakesEvents, through_add_events
from tests.store_contract.events.random_questions import (
    DAYS,
    FIRST_MS,
    questions,
    random_clicks,
    require_same_answers,
)
from tests.store_contract.events.samples import EVERY_CLASS, TODAY, TODAY_MS, event, key, question

KEPT_DAYS, KEPT_ROWS = 2, 1_000
TOMORROW_MS = TODAY_MS + DAY_MS
HUMAN = TrafficClass.HUMAN
WHOLE = question(since_ms=FIRST_MS, until_ms=FIRST_MS + DAYS * DAY_MS, classes=EVERY_CLASS)


class Kept(ClickAnswers, TakesEvents, Protocol):
    """A store that gives up clicks by itself."""

    async def keep(self, now_ms: int) -> None: ...


class Aging(Asking):
    """A store whose upkeep is run by hand."""

    def __init__(self, store: Kept) -> None:
        super().__init__(store, through_add_events(store))
        self._kept = store

    def keep(self, now_ms: int) -> None:
        self.run(self._kept.keep(now_ms))


def renumbered(clicks: Sequence[ClickEvent], first: int) -> list[ClickEvent]:
    """The same clicks, as they are spooled in this order."""
    return [msgspec.structs.replace(click, seq=seq) for seq, click in enumerate(clicks, first)]


def sqlite(folder: Path, clock: ManualClock) -> Kept:
    return SqliteEvents(folder / "events.db", clock, kept_days=KEPT_DAYS, kept_rows=KEPT_ROWS)


def postgres(url: str, clock: ManualClock) -> Kept:
    database = PostgresDatabase(url, connections=4, timeout_ms=10_000)
    return PostgresEvents(database, clock, kept_days=KEPT_DAYS, kept_rows=KEPT_ROWS)


@pytest.fixture(params=[sqlite, pytest.param(postgres, marks=pytest.mark.slow)], ids=lambda make: make.__name__)
def store(request: pytest.FixtureRequest, clock: ManualClock, tmp_path: Path) -> Iterator[Aging]:
    place = request.getfixturevalue("database_url") if request.param is postgres else tmp_path
    with Aging(request.param(place, clock)) as asking:
        yield asking


@pytest.fixture
def aged(store: Aging, clock: ManualClock) -> Iterator[tuple[Aging, Asking]]:
    """A store that has given up the first two of four days, and got more clicks since; and all of them in memory."""
    plain = MemoryEvents(clock)
    with Asking(plain, through_add_events(plain)) as memory:
        clicks = random_clicks(400)
        # Visitors of a day that is over are numbers by then: who comes late to it may count twice.
        late = [click for click in clicks if click.time >= TODAY_MS][::2]
        early = [click for click in clicks if click not in late]
        early, late = renumbered(early, 1), renumbered(late, len(early) + 1)
        store.fill(*early)
        store.keep(TOMORROW_MS)
        store.fill(*late)
        memory.fill(*early, *late)
        yield store, memory


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked=questions())
def test_answers_of_sums_are_as_before(aged: tuple[Aging, Asking], asked: tuple[Question, Step]) -> None:
    require_same_answers(*aged, *asked)


def test_old_clicks_leave_the_log_alone(store: Aging) -> None:
    store.fill(event(1, time=FIRST_MS), event(2, time=TODAY_MS))
    store.keep(TOMORROW_MS)
    assert [click.seq for click in store.export(WHOLE)] == [2]
    assert store.totals(WHOLE)[:2] == ({HUMAN: 2}, 2)
    assert store.series(WHOLE, Step.DAY).points[0] == (FIRST_MS, {HUMAN: 1}, 1)
    assert store.top(WHOLE, Dimension.COUNTRY).values[0].clicks == 2


def test_what_only_the_log_knows_is_answered_for_the_time_that_it_has(store: Aging) -> None:
    store.fill(event(1, time=FIRST_MS), event(2, time=TODAY_MS))
    store.keep(TOMORROW_MS)
    where = {Dimension.COUNTRY: ["DE"], Dimension.BROWSER: ["Firefox"]}
    both = store.totals(Question(WHOLE.since_ms, WHOLE.until_ms, where=where))
    assert both.by_class == {HUMAN: 1}
    assert both.covered == (TOMORROW_MS - KEPT_DAYS * DAY_MS, WHOLE.until_ms)


def test_visitors_that_nobody_can_count_any_more_are_not_told(store: Aging) -> None:
    store.fill(event(1, time=FIRST_MS), event(2, time=FIRST_MS, code="other"))
    store.keep(TOMORROW_MS)
    links = [key(), key("other")]
    assert store.totals(Question(WHOLE.since_ms, WHOLE.until_ms, links)).visitors is None
    assert store.totals(Question(FIRST_MS, FIRST_MS + QUARTER_MS)).visitors is None


def test_the_log_keeps_no_more_clicks_than_it_may(store: Aging) -> None:
    store.fill(*(event(seq, time=TODAY_MS + seq * 1_000) for seq in range(1, KEPT_ROWS + 501)))
    store.keep(TODAY_MS + 3_600_000)
    left = store.export(WHOLE)
    assert 0 < len(left) <= KEPT_ROWS
    assert left[-1].seq == KEPT_ROWS + 500
    assert store.totals(WHOLE).by_class == {HUMAN: KEPT_ROWS + 500}


def test_a_link_that_is_older_than_the_log_is_forgotten_too(aged: tuple[Aging, Asking]) -> None:
    store, memory = aged
    assert store.forget_link(LinkKey("", "a")) == memory.forget_link(LinkKey("", "a")) > 0
    require_same_answers_but_visitors(store, memory)


def test_a_visitor_is_forgotten_as_far_as_the_log_goes_back(aged: tuple[Aging, Asking]) -> None:
    store, memory = aged
    assert store.forget_visitor(TODAY, "2") == memory.forget_visitor(TODAY, "2") > 0
    assert store.totals(WHOLE) == memory.totals(WHOLE)
    assert store.forget_visitor(TODAY - 3, "2") < memory.forget_visitor(TODAY - 3, "2")


def require_same_answers_but_visitors(store: Asking, memory: Asking) -> None:
    """Of days before the log's, who came by a forgotten link may have come by others: the service keeps them."""
    assert store.totals(WHOLE).by_class == memory.totals(WHOLE).by_class
    for dimension in Dimension:
        found, wanted = (asking.top(WHOLE, dimension).values for asking in (store, memory))
        assert [value[:2] for value in found] == [value[:2] for value in wanted]


def test_what_arrives_is_told_once_while_old_clicks_go(store: Aging) -> None:
    start = store.arrived(WHOLE, None).cursor
    store.fill(event(1, time=FIRST_MS))
    store.keep(TOMORROW_MS)
    store.fill(event(2, time=TODAY_MS))
    page = store.arrived(WHOLE, start)
    assert [click.seq for click in page.events] == [2]
    assert store.arrived(WHOLE, page.cursor).events == []
