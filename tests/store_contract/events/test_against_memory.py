"""Random questions about random clicks: every store answers as the list in memory does."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings

from clicks.counts import DAY_MS
from clicks.questions import Question, Step
from clicks.stores.memory_events import MemoryEvents
from shortlink.links import LinkKey
from tests.store_contract.clicks.samples import ManualClock
from tests.store_contract.events.asking import Asking, through_add_events
from tests.store_contract.events.random_questions import FIRST_MS, questions, random_clicks, require_same_answers
from tests.store_contract.events.samples import EVERY_CLASS, TODAY, question

# The stores only read while hypothesis asks: nothing of one example is left for the next.
_READ_ONLY = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def memory(clock: ManualClock) -> Iterator[Asking]:
    store = MemoryEvents(clock)
    with Asking(store, through_add_events(store)) as asking:
        yield asking


@pytest.fixture
def pair(store: Asking, memory: Asking) -> tuple[Asking, Asking]:
    """A store and the memory, with the same clicks in them."""
    clicks = random_clicks(400)
    for part in (clicks[:300], clicks[300:]):
        store.fill(*part)
        memory.fill(*part)
    return store, memory


@_READ_ONLY
@given(asked=questions())
def test_every_answer_is_the_one_of_a_plain_list(pair: tuple[Asking, Asking], asked: tuple[Question, Step]) -> None:
    require_same_answers(*pair, *asked)


def test_what_is_left_after_forgetting_is_answered_alike(pair: tuple[Asking, Asking]) -> None:
    store, memory = pair
    assert store.forget_link(LinkKey("", "a")) == memory.forget_link(LinkKey("", "a")) > 0
    assert store.forget_visitor(TODAY - 1, "2") == memory.forget_visitor(TODAY - 1, "2") > 0
    whole = question(since_ms=FIRST_MS, until_ms=FIRST_MS + 4 * DAY_MS, classes=EVERY_CLASS)
    require_same_answers(store, memory, whole, Step.DAY)
    assert store.totals(whole).visitors == memory.totals(whole).visitors
    assert store.export(whole) == memory.export(whole)
