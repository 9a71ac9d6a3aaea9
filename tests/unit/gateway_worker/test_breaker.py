"""A source that does not answer is left alone, and tried again once a second."""

import pytest

from gateway.sources.breaker import FAILURES, REST_SECONDS, Breaker
from tests.unit.gateway_worker.parts import HandClock


@pytest.fixture
def breaker(clock: HandClock) -> Breaker:
    return Breaker(clock)


def fail(breaker: Breaker, times: int) -> None:
    for _ in range(times):
        breaker.note(answered=False)


def test_it_opens_after_some_failures_in_a_row(breaker: Breaker) -> None:
    fail(breaker, FAILURES - 1)
    breaker.note(answered=True)
    fail(breaker, FAILURES - 1)
    assert breaker.allows()
    fail(breaker, 1)
    assert breaker.is_open
    assert not breaker.allows()


def test_open_it_lets_one_question_a_second_through(breaker: Breaker, clock: HandClock) -> None:
    fail(breaker, FAILURES)
    clock.advance(REST_SECONDS)
    assert [breaker.allows() for _ in range(3)] == [True, False, False]
    fail(breaker, 1)
    clock.advance(REST_SECONDS / 2)
    assert not breaker.allows()
    clock.advance(REST_SECONDS / 2)
    assert [breaker.allows() for _ in range(2)] == [True, False]


def test_it_closes_when_a_question_is_answered(breaker: Breaker, clock: HandClock) -> None:
    fail(breaker, FAILURES)
    clock.advance(REST_SECONDS)
    assert breaker.allows()
    breaker.note(answered=True)
    assert [breaker.allows() for _ in range(3)] == [True] * 3


def test_a_question_that_was_given_up_does_not_keep_it_open(breaker: Breaker, clock: HandClock) -> None:
    fail(breaker, FAILURES)
    clock.advance(REST_SECONDS)
    assert breaker.allows()
    clock.advance(REST_SECONDS)
    assert breaker.allows()
