"""What every store of links must do, on each of them."""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable, Iterator, Sequence
from itertools import repeat
from typing import Any, Protocol

import pytest
from msgspec.structs import replace

from shortlink.codes import MAX_DRAWS
from shortlink.errors import CursorExpired, StoreUnavailable
from shortlink.links import (
    Added,
    Idempotency,
    Link,
    LinkKey,
    LinkPatch,
    LinkQuery,
    Missed,
    NewLink,
    Order,
    Refused,
)
from shortlink.stores.contract import LinkStore, SaltStore

DAY = 86_400


class Store(LinkStore, SaltStore, Protocol): ...


class Play(Protocol):
    def __call__(self, story: Callable[[Any], Awaitable[None]], codes: Iterator[str] | None = None) -> None: ...


class Clock(Protocol):
    ms: int

    def advance(self, seconds: float) -> None: ...


FULL = NewLink(
    domain="go.example",
    code="full",
    target="https://example.com/full?a=1#b",
    status=301,
    cache_control="public, max-age=300",
    not_before=1,
    expires_at=253_402_300_799_999,
    expired_target="https://example.com/gone",
    forward_query=True,
    title='Ünïcode "title" \\ with % and _',
    tags=("b", "a", "ö"),
    enabled=False,
    owner_key="key-1",
)


def new(code: str | None, target: str = "https://example.com/", **fields: Any) -> NewLink:  # noqa: ANN401 (any field of a link)
    return NewLink(code=code, target=target, **fields)


async def added(store: LinkStore, *news: NewLink) -> list[Link]:
    answers = await store.add(news)
    assert all(isinstance(answer, Added) for answer in answers), answers
    return [answer.link for answer in answers if isinstance(answer, Added)]


async def codes_of(store: LinkStore, **query: Any) -> list[str]:  # noqa: ANN401 (any field of a query)
    return [link.code for link in (await store.list(LinkQuery(**query))).links]


# Adding and getting.


def test_a_link_comes_back_with_every_field(play: Play, clock: Clock) -> None:
    async def story(store: Store) -> None:
        (link,) = await added(store, FULL)
        assert link.created_at == link.updated_at == clock.ms
        assert link.version == clock.ms << 16
        for name in ("target", "status", "not_before", "title", "tags", "forward_query", "enabled", "owner_key"):
            assert getattr(link, name) == getattr(FULL, name)
        key = LinkKey("go.example", "full")
        assert await store.get([key]) == {key: link}

    play(story)


def test_defaults_come_back_as_defaults(play: Play) -> None:
    async def story(store: Store) -> None:
        (link,) = await added(store, new("plain"))
        (found,) = (await store.get([link.key])).values()
        assert found == link
        assert (found.status, found.enabled, found.forward_query, found.tags) == (302, True, False, ())
        assert (found.title, found.expired_target, found.expires_at, found.owner_key) == (None, None, None, None)

    play(story)


def test_get_finds_many_and_leaves_out_the_absent(play: Play) -> None:
    async def story(store: Store) -> None:
        links = await added(store, *(new(f"c{n}", f"https://example.com/{n}") for n in range(500)))
        found = await store.get([*(link.key for link in links), LinkKey("", "absent"), LinkKey("other", "c1")])
        assert found == {link.key: link for link in links}
        assert await store.get([]) == {}

    play(story)


def test_codes_know_case_and_domain(play: Play) -> None:
    async def story(store: Store) -> None:
        await added(store, new("abc", "https://a.example/"), new("ABC", "https://b.example/"))
        await added(store, new("abc", "https://c.example/", domain="go.example"))
        found = await store.get([LinkKey("", "abc"), LinkKey("", "ABC"), LinkKey("go.example", "abc")])
        assert [link.target for link in found.values()] == [
            "https://a.example/",
            "https://b.example/",
            "https://c.example/",
        ]
        assert await store.count() == 3

    play(story)


def test_adding_nothing_answers_nothing(play: Play) -> None:
    async def story(store: Store) -> None:
        assert await store.add([]) == []

    play(story)


def test_a_taken_alias_is_refused_and_the_rest_stored(play: Play) -> None:
    async def story(store: Store) -> None:
        await added(store, new("a", "https://first.example/"))
        answers = await store.add([new("b"), new("a", "https://second.example/"), new("c")])
        assert [isinstance(answer, Added) for answer in answers] == [True, False, True]
        assert answers[1] is Refused.TAKEN
        assert (await store.get([LinkKey("", "a")]))[LinkKey("", "a")].target == "https://first.example/"
        assert await store.count() == 3

    play(story)


def test_of_two_equal_aliases_in_one_call_the_first_wins(play: Play) -> None:
    async def story(store: Store) -> None:
        first, second = await store.add([new("a", "https://1.example/"), new("a", "https://2.example/")])
        assert isinstance(first, Added)
        assert first.link.target == "https://1.example/"
        assert second is Refused.TAKEN

    play(story)


def test_drawn_codes_are_unique(play: Play) -> None:
    async def story(store: Store) -> None:
        links = await added(store, *(new(None) for _ in range(2_000)))
        assert len({link.code for link in links}) == 2_000
        assert {len(link.code) for link in links} == {7}

    play(story)


def test_a_drawn_code_that_is_taken_is_drawn_again(play: Play) -> None:
    async def story(store: Store) -> None:
        await added(store, new("taken01"), new("removed"))
        await store.remove(LinkKey("", "removed"))
        links = await added(store, new(None), new("chosen1"), new(None))
        assert links[1].code == "chosen1"
        assert {links[0].code, links[2].code} == {"free001", "free002"}

    play(story, iter(["taken01", "free001", "removed", "free001", "chosen1", "free002"]))


def test_draws_end_when_nothing_is_free(play: Play) -> None:
    async def story(store: Store) -> None:
        await added(store, new("taken01"))
        with pytest.raises(StoreUnavailable, match=f"{MAX_DRAWS} draws"):
            await store.add([new(None)])
        assert await store.count() == 1

    play(story, repeat("taken01"))


def test_many_calls_at_once_each_get_their_own_answer(play: Play) -> None:
    async def story(store: Store) -> None:
        calls = [[new(f"c{n}", f"https://example.com/{n}"), new("same")] for n in range(100)]
        answers = await asyncio.gather(*(store.add(call) for call in calls))
        for n, (own, _) in enumerate(answers):
            assert isinstance(own, Added)
            assert own.link.target == f"https://example.com/{n}"
        assert sum(isinstance(shared, Added) for _, shared in answers) == 1
        assert await store.count() == 101

    play(story)


# Changing and removing.


def test_a_change_keeps_what_it_does_not_name(play: Play, clock: Clock) -> None:
    async def story(store: Store) -> None:
        (link,) = await added(store, FULL)
        clock.advance(1)
        changed = await store.change(link.key, LinkPatch({"target": "https://new.example/", "title": None}))
        assert changed == replace(
            link, target="https://new.example/", title=None, updated_at=clock.ms, version=clock.ms << 16
        )
        assert await store.get([link.key]) == {link.key: changed}

    play(story)


def test_every_field_can_be_changed(play: Play) -> None:
    async def story(store: Store) -> None:
        await added(store, new("x"), FULL)
        names = "target status cache_control not_before expires_at expired_target forward_query title tags enabled"
        patch = LinkPatch({name: getattr(FULL, name) for name in names.split()})
        changed = await store.change(LinkKey("", "x"), patch)
        assert isinstance(changed, Link)
        assert {name: getattr(changed, name) for name in names.split()} == patch.values
        assert await store.get([changed.key]) == {changed.key: changed}

    play(story)


def test_versions_grow_when_the_clock_stands_or_goes_back(play: Play, clock: Clock) -> None:
    async def story(store: Store) -> None:
        (link,) = await added(store, new("a"))
        versions = [link.version]
        for step in (0, 0, -3_600, 0):
            clock.advance(step)
            changed = await store.change(link.key, LinkPatch({"title": "t"}))
            assert isinstance(changed, Link)
            versions.append(changed.version)
        assert versions == [link.version + n for n in range(5)]

    play(story)


def test_a_change_with_an_old_version_is_stale(play: Play) -> None:
    async def story(store: Store) -> None:
        (link,) = await added(store, new("a"))
        changed = await store.change(link.key, LinkPatch({"title": "one"}), if_version=link.version)
        assert isinstance(changed, Link)
        assert await store.change(link.key, LinkPatch({"title": "two"}), if_version=link.version) is Missed.STALE
        assert await store.remove(link.key, if_version=link.version) is Missed.STALE
        assert await store.get([link.key]) == {link.key: changed}
        assert await store.remove(link.key, if_version=changed.version) is None

    play(story)


def test_an_empty_change_leaves_the_version(play: Play) -> None:
    async def story(store: Store) -> None:
        (link,) = await added(store, new("a"))
        cursor = (await store.changes(None)).cursor
        assert await store.change(link.key, LinkPatch({})) == link
        assert (await store.changes(cursor)).changes == []

    play(story)


def test_what_is_absent_cannot_be_changed_or_removed(play: Play) -> None:
    async def story(store: Store) -> None:
        key = LinkKey("", "a")
        assert await store.change(key, LinkPatch({"title": "t"})) is Missed.ABSENT
        assert await store.remove(key) is Missed.ABSENT
        await added(store, new("a"))
        assert await store.remove(key) is None
        assert await store.remove(key) is Missed.ABSENT
        assert await store.change(key, LinkPatch({"title": "t"})) is Missed.ABSENT

    play(story)


def test_a_removed_link_is_in_no_answer(play: Play) -> None:
    async def story(store: Store) -> None:
        (link,) = await added(store, replace(FULL, domain="", code="a"))
        await store.remove(link.key)
        assert await store.get([link.key]) == {}
        assert await store.count() == 0
        for query in (LinkQuery(), LinkQuery(tag="a"), LinkQuery(search="example"), LinkQuery(order=Order.CODE)):
            assert (await store.list(query)).links == []

    play(story)


def test_a_link_added_again_goes_on_from_its_tombstone(play: Play, clock: Clock) -> None:
    async def story(store: Store) -> None:
        (link,) = await added(store, new("a", title="old", tags=("old",)))
        await store.remove(link.key)
        clock.advance(-3_600)
        (again,) = await added(store, new("a", "https://again.example/"))
        assert again.version == link.version + 2
        assert again.created_at == clock.ms
        assert (again.title, again.tags) == (None, ())
        assert await store.get([link.key]) == {link.key: again}
        assert await codes_of(store, tag="old") == []
        assert await store.count() == 1

    play(story)


# Idempotency.


def asked(key: str, fingerprint: bytes = b"f" * 32, scope: str = "client") -> Idempotency:
    return Idempotency(scope, key, fingerprint)


def test_a_repeated_request_gets_the_first_answer(play: Play) -> None:
    async def story(store: Store) -> None:
        (link,) = await added(store, new(None, idempotency=asked("k")))
        assert await store.add([new(None, idempotency=asked("k"))]) == [Added(link, replayed=True)]
        assert await store.count() == 1

    play(story)


def test_a_repeat_answers_with_the_link_as_it_is_now(play: Play) -> None:
    async def story(store: Store) -> None:
        (link,) = await added(store, new("a", idempotency=asked("k")))
        changed = await store.change(link.key, LinkPatch({"title": "now"}))
        assert isinstance(changed, Link)
        assert await store.add([new("a", idempotency=asked("k"))]) == [Added(changed, replayed=True)]

    play(story)


def test_one_key_for_two_requests_is_refused(play: Play) -> None:
    async def story(store: Store) -> None:
        await added(store, new("a", idempotency=asked("k", b"1" * 32)))
        assert await store.add([new("b", idempotency=asked("k", b"2" * 32))]) == [Refused.IDEMPOTENCY_REUSED]
        assert await store.count() == 1

    play(story)


def test_the_same_key_of_two_clients_does_not_meet(play: Play) -> None:
    async def story(store: Store) -> None:
        await added(store, new(None, idempotency=asked("k")), new(None, idempotency=asked("k", scope="other")))
        assert await store.count() == 2

    play(story)


@pytest.mark.parametrize("again", [False, True])
def test_a_repeat_does_not_bring_back_a_removed_link(play: Play, again: bool) -> None:
    async def story(store: Store) -> None:
        (link,) = await added(store, new("a", idempotency=asked("k")))
        await store.remove(link.key)
        if again:  # by somebody else
            await added(store, new("a"))
        assert await store.add([new("a", idempotency=asked("k"))]) == [Refused.IDEMPOTENCY_REMOVED]

    play(story)


def test_repeats_within_one_call_are_seen(play: Play) -> None:
    async def story(store: Store) -> None:
        answers = await store.add(
            [
                new(None, idempotency=asked("k")),
                new(None, idempotency=asked("k")),
                new(None, idempotency=asked("k", b"other" * 6)),
                new(None, idempotency=asked("k")),
            ]
        )
        first = answers[0]
        assert isinstance(first, Added)
        assert answers[1:] == [
            Added(first.link, replayed=True),
            Refused.IDEMPOTENCY_REUSED,
            Added(first.link, replayed=True),
        ]

    play(story)


def test_a_repeat_within_a_call_keeps_the_order_of_aliases(play: Play) -> None:
    async def story(store: Store) -> None:
        await added(store, new("taken"))
        answers = await store.add(
            [
                new("taken", idempotency=asked("k")),
                new("a", "https://first.example/", idempotency=asked("k")),
                new("a", "https://second.example/"),
            ]
        )
        assert [answer is Refused.TAKEN for answer in answers] == [True, False, True]
        assert (await store.get([LinkKey("", "a")]))[LinkKey("", "a")].target == "https://first.example/"

    play(story)


def test_a_refused_request_leaves_its_key_free(play: Play) -> None:
    async def story(store: Store) -> None:
        await added(store, new("a"))
        assert await store.add([new("a", idempotency=asked("k"))]) == [Refused.TAKEN]
        (link,) = await added(store, new("b", idempotency=asked("k")))
        assert link.code == "b"

    play(story)


# Lists.


async def pages(store: LinkStore, query: LinkQuery) -> list[Sequence[Link]]:
    found = []
    while True:
        page = await store.list(query)
        found.append(page.links)
        if page.next_cursor is None:
            return found
        query = dataclasses.replace(query, cursor=page.next_cursor)


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (Order.NEWEST, ["e", "d", "b", "c", "a"]),
        (Order.OLDEST, ["a", "b", "c", "d", "e"]),
        (Order.UPDATED, ["a", "e", "d", "b", "c"]),
        (Order.CODE, ["a", "b", "c", "d", "e"]),
    ],
)
def test_pages_of_any_size_make_the_whole_list(play: Play, clock: Clock, order: Order, expected: list[str]) -> None:
    async def story(store: Store) -> None:
        for group in (["a"], ["c", "b"], ["d"], ["e"]):
            await added(store, *(new(code) for code in group))
            clock.advance(1)
        await store.change(LinkKey("", "a"), LinkPatch({"title": "changed"}))
        for limit in range(1, 7):
            found = await pages(store, LinkQuery(order=order, limit=limit))
            assert [link.code for page in found for link in page] == expected
            assert all(len(page) == limit for page in found[:-1])

    play(story)


def test_a_page_holds_its_place_while_links_come_and_go(play: Play, clock: Clock) -> None:
    async def story(store: Store) -> None:
        await added(store, *(new(f"c{n}") for n in range(6)))
        first = await store.list(LinkQuery(order=Order.OLDEST, limit=3))
        await store.remove(LinkKey("", "c0"))
        clock.advance(1)
        await added(store, new("a-late-one"))
        assert await codes_of(store, order=Order.OLDEST, cursor=first.next_cursor) == ["c3", "c4", "c5", "a-late-one"]

    play(story)


def test_domains_come_before_codes_among_equals(play: Play) -> None:
    async def story(store: Store) -> None:
        await added(store, new("a", domain="b.example"), new("b", domain="a.example"), new("c"))
        for order in Order:
            assert await codes_of(store, order=order, limit=50) == ["c", "b", "a"]
            found = await pages(store, LinkQuery(order=order, limit=1))
            assert [link.code for page in found for link in page] == ["c", "b", "a"]
        assert await codes_of(store, domain="a.example") == ["b"]
        assert await codes_of(store, domain="") == ["c"]

    play(story)


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ("PROMO", ["promo-1", "x1"]),
        ("example.org", ["x2"]),
        ("äpfel", ["x3"]),
        ("ÄPFEL", ["x3"]),
        ("100%", ["x4"]),
        ("_", ["x4"]),
        ("\\", ["x4"]),
        ("'; --", []),
        ("", ["promo-1", "x1", "x2", "x3", "x4"]),
        ("promo" * 20_000, []),
    ],
)
def test_search_looks_into_code_target_and_title(play: Play, search: str, expected: list[str]) -> None:
    async def story(store: Store) -> None:
        await added(
            store,
            new("promo-1"),
            new("x1", title="Our Promo"),
            new("x2", "https://EXAMPLE.org/Path"),
            new("x3", title="Äpfel & Birnen"),
            new("x4", title="100% a_b \\"),
        )
        assert await codes_of(store, search=search, order=Order.CODE) == expected

    play(story)


def test_a_tag_is_found_whole_and_follows_changes(play: Play) -> None:
    async def story(store: Store) -> None:
        await added(store, new("a", tags=("red", "blue")), new("b", tags=("red",)), new("c", tags=("re", "Red")))
        assert await codes_of(store, tag="red", order=Order.CODE) == ["a", "b"]
        await store.change(LinkKey("", "a"), LinkPatch({"tags": ("blue", "green")}))
        assert await codes_of(store, tag="red") == ["b"]
        assert await codes_of(store, tag="green") == ["a"]
        assert await codes_of(store, tag="blue", search="example", domain="", order=Order.OLDEST) == ["a"]

    play(story)


@pytest.mark.parametrize("cursor", ["", "!", "AAAA", "bm90IGpzb24", "é"])
def test_a_foreign_cursor_is_an_error(play: Play, cursor: str) -> None:
    async def story(store: Store) -> None:
        with pytest.raises(ValueError, match="cursor"):
            await store.list(LinkQuery(cursor=cursor))

    play(story)


def test_a_cursor_of_another_order_is_an_error(play: Play) -> None:
    async def story(store: Store) -> None:
        await added(store, new("a"), new("b"))
        page = await store.list(LinkQuery(limit=1))
        assert page.next_cursor is not None
        assert page.next_cursor.replace("-", "").replace("_", "").isalnum()
        with pytest.raises(ValueError, match="order"):
            await store.list(LinkQuery(cursor=page.next_cursor, order=Order.CODE))

    play(story)


# The change feed.


def test_the_feed_tells_every_change_once_in_order(play: Play) -> None:
    async def story(store: Store) -> None:
        await added(store, new("before"))
        cursor = (await store.changes(None)).cursor
        a, b = await added(store, new("a"), new("b"))
        changed = await store.change(a.key, LinkPatch({"title": "t"}))
        assert isinstance(changed, Link)
        await store.remove(b.key)
        await store.add([new("a")])  # refused: nothing changes
        feed = await store.changes(cursor)
        assert [change.key.code for change in feed.changes] == ["a", "b", "a", "b"]
        assert [change.version for change in feed.changes] == [a.version, b.version, changed.version, b.version + 1]
        assert (await store.changes(feed.cursor)).changes == []

    play(story)


def test_the_feed_goes_on_where_a_page_ended(play: Play) -> None:
    async def story(store: Store) -> None:
        cursor = (await store.changes(None)).cursor
        await added(store, *(new(f"c{n}") for n in range(10)))
        found = []
        while page := (feed := await store.changes(cursor, limit=3)).changes:
            found += [change.key.code for change in page]
            cursor = feed.cursor
        assert found == [f"c{n}" for n in range(10)]

    play(story)


def test_without_a_cursor_the_feed_only_says_where_it_ends(play: Play) -> None:
    async def story(store: Store) -> None:
        await added(store, new("a"))
        assert (await store.changes(None)).changes == ()

    play(story)


@pytest.mark.parametrize("cursor", ["", "x", "99999999", "1.1", "-1", "٣"])
def test_a_cursor_that_the_feed_does_not_know_is_expired(play: Play, cursor: str) -> None:
    async def story(store: Store) -> None:
        with pytest.raises(CursorExpired):
            await store.changes(cursor)

    play(story)


def test_changed_wakes_after_a_change(play: Play) -> None:
    async def story(store: Store) -> None:
        await asyncio.wait_for(store.changed(), 1)
        waiting = asyncio.ensure_future(store.changed())
        done, _ = await asyncio.wait([waiting], timeout=0.1)
        assert not done
        await added(store, new("a"))
        await asyncio.wait_for(waiting, 1)

    play(story)


# Forgetting.


def test_purge_forgets_each_thing_after_its_time(play: Play, clock: Clock) -> None:
    async def story(store: Store) -> None:
        (a, b) = await added(store, new("a", idempotency=asked("k")), new("b"))
        await store.remove(b.key)
        old = (await store.changes(None)).cursor
        assert await store.purge(clock.ms) == 0
        clock.advance(DAY + 1)
        await added(store, new("c"))
        assert await store.purge(clock.ms) == 3 + 1  # changes, an idempotency key
        assert [change.key.code for change in (await store.changes(old)).changes] == ["c"]
        assert await store.add([new("a", idempotency=asked("k"))]) == [Refused.TAKEN]
        clock.advance(7 * DAY)
        assert await store.purge(clock.ms) == 1 + 1  # the change of c, the tombstone of b
        with pytest.raises(CursorExpired):
            await store.changes(old)
        assert await store.count() == 2
        assert await store.get([a.key]) == {a.key: a}

    play(story)


def test_the_feed_goes_on_after_it_was_purged_empty(play: Play, clock: Clock) -> None:
    async def story(store: Store) -> None:
        await added(store, new("a"))
        cursor = (await store.changes(None)).cursor
        clock.advance(2 * DAY)
        await store.purge(clock.ms)
        assert (await store.changes(None)).cursor == cursor
        await added(store, new("b"))
        assert [change.key.code for change in (await store.changes(cursor)).changes] == ["b"]

    play(story)


def test_purge_takes_many_rows(play: Play, clock: Clock) -> None:
    async def story(store: Store) -> None:
        await added(store, *(new(None) for _ in range(12_000)))
        clock.advance(2 * DAY)
        assert await store.purge(clock.ms) == 12_000
        assert await store.count() == 12_000

    play(story)


# Salts.


def test_salts_are_one_a_day_and_gone_after_48_hours(play: Play, clock: Clock) -> None:
    async def story(store: Store) -> None:
        assert await store.salts() == {}
        today = clock.ms // (DAY * 1_000)
        await store.rotate_salts(clock.ms)
        first = await store.salts()
        assert sorted(first) == [today, today + 1]
        assert {len(salt) for salt in first.values()} == {16}
        assert first[today] != first[today + 1]
        await store.rotate_salts(clock.ms)
        assert await store.salts() == first
        clock.advance(2 * DAY)
        await store.rotate_salts(clock.ms)
        later = await store.salts()
        assert sorted(later) == [today + 1, today + 2, today + 3]
        assert later[today + 1] == first[today + 1]

    play(story)
