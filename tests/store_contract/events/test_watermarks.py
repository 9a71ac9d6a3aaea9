"""Each click once: what shippers rely on, on the stores that they fill."""

from collections.abc import Iterator
from typing import Protocol
from uuid import UUID

import pytest

from clicks.counts import DAY_MS, TrafficClass
from clicks.questions import ClickAnswers
from clicks.sinks.contract import EventSink
from tests.store_contract.clicks.samples import ManualClock
from tests.store_contract.events.asking import Asking, TakesEvents
from tests.store_contract.events.conftest import STORES, memory, postgres, sqlite
from tests.store_contract.events.samples import EPOCH, OTHER_EPOCH, event, question

EPOCH_BYTES, OTHER = UUID(EPOCH).bytes, UUID(OTHER_EPOCH).bytes


class Filled(EventSink, TakesEvents, ClickAnswers, Protocol):
    """A store that a shipper fills."""


@pytest.fixture(params=[memory, postgres, sqlite], ids=lambda make: make.__name__)
def store(request: pytest.FixtureRequest, clock: ManualClock) -> Iterator[Asking]:
    """Without ClickHouse, which is filled by ingest and keeps marks of its own."""
    make = request.param
    with make(request.getfixturevalue(STORES[make]), clock) as asking:
        yield asking


def sink(store: Asking) -> Filled:
    return store.store  # type: ignore[return-value]  # those of this file's fixture are


def test_clicks_that_do_not_follow_the_watermark_are_not_stored(store: Asking) -> None:
    assert store.run(sink(store).add_events(EPOCH_BYTES, 0, 2, [event(1), event(2)]))
    assert not store.run(sink(store).add_events(EPOCH_BYTES, 0, 2, [event(1), event(2)]))
    assert not store.run(sink(store).add_events(EPOCH_BYTES, 5, 6, [event(6)]))
    assert not store.run(sink(store).add_events(OTHER, 1, 2, [event(2, epoch=OTHER_EPOCH)]))
    assert store.totals(question()).by_class == {TrafficClass.HUMAN: 2}
    assert store.run(sink(store).watermarks()) == {EPOCH_BYTES: 2}


def test_lost_clicks_move_the_watermark_too(store: Asking) -> None:
    assert store.run(sink(store).add_events(EPOCH_BYTES, 0, 7, []))
    assert store.run(sink(store).watermarks()) == {EPOCH_BYTES: 7}


def test_a_watermark_is_forgotten_a_day_after_its_last_segment(store: Asking, clock: ManualClock) -> None:
    store.run(sink(store).add_events(EPOCH_BYTES, 0, 1, [event(1)]))
    store.run(sink(store).add_events(OTHER, 0, 1, [event(1, epoch=OTHER_EPOCH)]))
    clock.advance(DAY_MS - 1)
    assert store.run(sink(store).forget_epochs([EPOCH_BYTES], clock.now_ms())) == 0
    clock.advance(1)
    assert store.run(sink(store).forget_epochs([EPOCH_BYTES], clock.now_ms())) == 1
    assert store.run(sink(store).watermarks()) == {EPOCH_BYTES: 1}
