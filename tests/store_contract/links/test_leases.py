"""One holder at a time, by the store's own clock, and a term that tells one from the next."""

import pytest

from tests.store_contract.links.conftest import Play, Store

# SQLite serves one machine, where a file lock does that.
pytestmark = pytest.mark.parametrize(
    "play", ["memory", pytest.param("postgres", marks=pytest.mark.slow)], indirect=True
)


def test_a_lease_is_held_by_one_and_renewed_with_its_term(play: Play) -> None:
    async def story(store: Store) -> None:
        assert await store.take_lease("relay", "a", 60) == 1
        assert await store.take_lease("relay", "b", 60) is None
        assert await store.take_lease("relay", "a", 60) == 1
        assert await store.take_lease("another", "b", 60) == 1

    play(story)


def test_a_lease_that_is_given_back_goes_to_the_next_with_a_new_term(play: Play) -> None:
    async def story(store: Store) -> None:
        await store.take_lease("relay", "a", 60)
        await store.give_lease("relay", "b")
        assert await store.take_lease("relay", "b", 60) is None
        await store.give_lease("relay", "a")
        assert await store.take_lease("relay", "b", 60) == 2

    play(story)


def test_a_lease_that_ran_out_is_free_and_its_holder_gets_a_new_term_too(play: Play) -> None:
    async def story(store: Store) -> None:
        assert await store.take_lease("relay", "a", 0) == 1
        assert await store.take_lease("relay", "a", 0) == 2
        assert await store.take_lease("relay", "b", 60) == 3

    play(story)
