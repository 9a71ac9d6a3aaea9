"""The edge on PostgreSQL and Redis: where links are found, how edits come through, and what one that is away costs."""

import time

import pytest

from tests.acceptance.node import wait_until
from tests.integration.edge_stack.stack import Stack, Worker

pytestmark = pytest.mark.slow

BUDGET_SECONDS = 0.05
STORE_SECONDS = 0.5  # the database's deadline here
CUT_OFF_SECONDS = 5.0  # an edit is seen by then when Redis is away


def follows_the_relay(worker: Worker) -> None:
    wait_until(lambda: worker.page("relay_live") == 1, 15.0)


def test_a_miss_is_found_in_postgresql_and_by_the_next_worker_in_redis(stack: Stack) -> None:
    stack.add("hello", "https://example.com/one")
    with stack.relay(), stack.worker("first") as first, stack.worker("second") as second:
        follows_the_relay(first)
        follows_the_relay(second)
        assert first.target("hello") == "https://example.com/one"
        assert (first.page("redis_hits"), first.page("store_hits")) == (0, 1)

        def from_redis() -> bool:
            """The fill is written in the background, so the first question may come before it."""
            stack.edit("hello", "https://example.com/again")
            wait_until(lambda: second.target("hello") == "https://example.com/again", 5.0)
            return second.page("redis_hits") > 0

        wait_until(from_redis, 10.0)
        assert second.visit("nowhere").status == 404


def test_an_edit_is_seen_with_the_relay_and_without_redis(stack: Stack) -> None:
    stack.add("hello", "https://example.com/one")
    with stack.relay(), stack.worker("only") as worker:
        follows_the_relay(worker)
        assert worker.target("hello") == "https://example.com/one"
        stack.edit("hello", "https://example.com/two")
        wait_until(lambda: worker.target("hello") == "https://example.com/two", 2.0)
        stack.redis.stop()
        try:
            stack.edit("hello", "https://example.com/three")
            wait_until(lambda: worker.target("hello") == "https://example.com/three", CUT_OFF_SECONDS)
            stack.add("cold", "https://example.com/cold")
            assert worker.target("cold") == "https://example.com/cold"
        finally:
            stack.redis.start()
        follows_the_relay(worker)
        stack.edit("hello", "https://example.com/four")
        wait_until(lambda: worker.target("hello") == "https://example.com/four", 2.0)


def test_a_frozen_redis_costs_no_more_than_the_budget(stack: Stack) -> None:
    for number in range(20):
        stack.add(f"cold{number}", "https://example.com/")
    with stack.relay(), stack.worker("only") as worker:
        follows_the_relay(worker)
        stack.redis.pause()
        try:
            waited = []
            for number in range(20):
                began = time.monotonic()
                assert worker.target(f"cold{number}") == "https://example.com/"
                waited.append(time.monotonic() - began)
        finally:
            stack.redis.resume()
        assert 0 < worker.page("redis_errors") < 10  # with the breaker open it is not even asked
    assert max(waited) < BUDGET_SECONDS + STORE_SECONDS, waited


def test_without_postgresql_redis_serves_what_it_has(stack: Stack) -> None:
    stack.add("hello", "https://example.com/one")
    with stack.relay(), stack.worker("only") as worker:
        follows_the_relay(worker)
        stack.edit("hello", "https://example.com/two")  # carried by the relay
        wait_until(lambda: worker.target("hello") == "https://example.com/two", 5.0)
        stack.postgres.stop()
        try:
            assert worker.visit("nowhere").status == 503
            with stack.worker("late") as late:  # it never met the store: there is no Redis for it
                assert late.visit("hello").status == 503
            (stack.folder / "known" / "run").mkdir(parents=True)
            remembered = worker.data.generation.read_text()
            (stack.folder / "known" / "run" / "store.generation").write_text(remembered)
            with stack.worker("known") as known:
                wait_until(lambda: known.target("hello") == "https://example.com/two", 5.0)
            assert worker.target("hello") == "https://example.com/two"
        finally:
            stack.postgres.start()
        stack.edit("hello", "https://example.com/three")
        wait_until(lambda: worker.target("hello") == "https://example.com/three", CUT_OFF_SECONDS)
