"""Any sequence of calls: the SQLite store answers as the memory store does."""

import asyncio
import random
import shutil
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Final, TypeVar

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from shortlink.errors import CursorExpired, StoreUnavailable
from shortlink.links import Idempotency, LinkKey, LinkPatch, LinkQuery, NewLink, Order
from shortlink.stores.memory import MemoryLinkStore
from shortlink.stores.sqlite import SqliteLinkStore

T = TypeVar("T")

DAY_MS: Final = 86_400_000

# Few of each, so that they meet; every choice that does not matter to a store's logic dilutes those that do.
DOMAINS: Final = st.sampled_from(["", "", "go.example"])
CODES: Final = st.sampled_from(["a", "A", "b"])
KEYS: Final = st.builds(LinkKey, DOMAINS, CODES)
TITLES: Final = st.sampled_from([None, "", "Ärger a\\b%", "\u0130"])
TAGS: Final = st.sampled_from([(), ("x",), ("ö", "x"), ("y", "x")])
# Values that go in and out: what matters is that none is lost or mixed up.
VALUES: Final[list[dict[str, Any]]] = [
    {},
    {"target": "https://b.example/%20?A=1", "status": 308, "cache_control": "no-store", "not_before": 0},
    {"expires_at": 253_402_300_799_999, "expired_target": "https://c.example/", "forward_query": True},
    {"enabled": False},
]
ASKED: Final = st.sampled_from(
    [None] * 6 + [Idempotency("client", key, seal * 32) for key, seal in (("k", b"1"), ("l", b"1"), ("l", b"2"))]
)


def new_link(key: LinkKey, title: str | None, tags: tuple[str, ...], values: dict[str, Any], asked: Any) -> NewLink:  # noqa: ANN401
    fields = {"target": "https://a.example/", **values}
    return NewLink(domain=key.domain, code=key.code, title=title, tags=tags, idempotency=asked, **fields)


NEW: Final = st.builds(new_link, KEYS, TITLES, TAGS, st.sampled_from(VALUES), ASKED)
PATCHES: Final = st.one_of(
    TAGS.map(lambda tags: LinkPatch({"tags": tags})),
    TITLES.map(lambda title: LinkPatch({"title": title})),
    st.sampled_from(VALUES).map(LinkPatch),
)
AIM: Final = st.integers(0, 8)
VERSIONS: Final = st.sampled_from([None, None, 0, 0, 1])  # the caller's, as far as it is off
QUERIES: Final = st.builds(
    LinkQuery,
    search=st.sampled_from([None, None, "A", "ÄRG", "%", "\u0130"]),
    tag=st.sampled_from([None, None, "x", "ö"]),
    domain=st.sampled_from([None, None, ""]),
    order=st.sampled_from(Order),
    limit=st.integers(1, 3),
)


class HandClock:
    """Moved by the machine, backwards too."""

    ms = 1_700_000_000_000

    def now_ms(self) -> int:
        return self.ms

    def monotonic(self) -> float:
        return 0.0


class SameAnswers(RuleBasedStateMachine):
    """Two stores, asked the same."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = HandClock()
        self.folder = Path(tempfile.mkdtemp())
        self.runner = asyncio.Runner()
        self.model = MemoryLinkStore(self.clock)
        self.store = SqliteLinkStore(self.folder / "links.db", self.clock, readers=1)

    @initialize(news=st.lists(NEW, min_size=3, max_size=6))
    def open(self, news: list[NewLink]) -> None:
        self.sent: list[NewLink] = []
        self.run(self.store.open())
        self.model_cursor = self.run(self.model.changes(None)).cursor
        self.cursor = self.run(self.store.changes(None)).cursor
        self.add(news)

    def teardown(self) -> None:
        self.run(self.store.close())
        self.runner.close()
        shutil.rmtree(self.folder)

    def run(self, call: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(call)

    def aim(self, at: int) -> LinkKey:
        """The key of a link that exists, or now and then of none."""
        keys = sorted(link.key for link in self.run(self.model.list(LinkQuery(limit=100))).links)
        return [*keys, LinkKey("", "absent")][at % (len(keys) + 1)]

    @rule(news=st.lists(NEW, min_size=1, max_size=4))
    def add(self, news: list[NewLink]) -> None:
        self.sent += news
        assert self.run(self.store.add(news)) == self.run(self.model.add(news))

    @rule(at=st.integers(0, 20))
    def send_again(self, at: int) -> None:
        self.add([self.sent[at % len(self.sent)]])

    @rule(domain=DOMAINS, seed=st.integers(0, 50))
    def draw(self, domain: str, seed: int) -> None:
        """A drawn code is free in one store when it is in the other: both draw the same, or run out of draws."""
        new = NewLink(domain=domain, target="https://drawn.example/")
        answers: list[object] = []
        for store in (self.store, self.model):
            source = random.Random(seed)
            store._draw_code = lambda source=source: source.choice("abcA") * source.randint(1, 4)  # type: ignore[misc]
            try:
                answers.append(self.run(store.add([new])))
            except StoreUnavailable:
                answers.append(StoreUnavailable)
        assert answers[0] == answers[1]

    @rule(at=AIM, patch=PATCHES, version=VERSIONS)
    def change(self, at: int, patch: LinkPatch, version: int | None) -> None:
        key = self.aim(at)
        version = self.version_of(key, version)
        assert self.run(self.store.change(key, patch, version)) == self.run(self.model.change(key, patch, version))

    @rule(at=AIM, version=VERSIONS)
    def remove(self, at: int, version: int | None) -> None:
        key = self.aim(at)
        version = self.version_of(key, version)
        assert self.run(self.store.remove(key, version)) == self.run(self.model.remove(key, version))

    @rule(at=AIM, news=st.lists(NEW, min_size=1, max_size=2))
    def remove_and_add(self, at: int, news: list[NewLink]) -> None:
        """Once more under the same code, at the same moment."""
        key = self.aim(at)
        self.remove(at, None)
        self.add([*news, NewLink(domain=key.domain, code=key.code, target="https://again.example/")])

    def version_of(self, key: LinkKey, off: int | None) -> int | None:
        link = self.run(self.model.get([key])).get(key)
        return None if off is None else off + (0 if link is None else link.version)

    @rule(ms=st.sampled_from([1, 1_000, -1, -5_000, DAY_MS + 1, 8 * DAY_MS]))
    def pass_time(self, ms: int) -> None:
        self.clock.ms += ms

    @rule()
    def purge(self) -> None:
        assert self.run(self.store.purge(self.clock.ms)) == self.run(self.model.purge(self.clock.ms))

    @rule(query=QUERIES)
    def list_all_pages(self, query: LinkQuery) -> None:
        cursor: str | None = None
        for _ in range(50):
            asked = LinkQuery(
                search=query.search,
                tag=query.tag,
                domain=query.domain,
                order=query.order,
                limit=query.limit,
                cursor=cursor,
            )
            page = self.run(self.model.list(asked))
            assert self.run(self.store.list(asked)) == page
            cursor = page.next_cursor
            if cursor is None:
                return

    @rule(limit=st.integers(1, 10))
    def follow(self, limit: int) -> None:
        try:
            expected = self.run(self.model.changes(self.model_cursor, limit))
        except CursorExpired:
            expected = self.run(self.model.changes(None))
            try:
                self.run(self.store.changes(self.cursor, limit))
                raise AssertionError("only one feed says that the cursor is expired")
            except CursorExpired:
                found = self.run(self.store.changes(None))
        else:
            found = self.run(self.store.changes(self.cursor, limit))
        assert found.changes == expected.changes
        self.cursor, self.model_cursor = found.cursor, expected.cursor

    @rule()
    def reopen(self) -> None:
        self.run(self.store.close())
        self.store = SqliteLinkStore(self.folder / "links.db", self.clock, readers=1)
        self.run(self.store.open())

    @invariant()
    def both_hold_the_same(self) -> None:
        keys = [LinkKey(domain, code) for domain in ("", "go.example") for code in ("a", "A", "b")]
        assert self.run(self.store.get(keys)) == self.run(self.model.get(keys))
        assert self.run(self.store.count()) == self.run(self.model.count())

    @invariant()
    def the_tag_index_is_exact(self) -> None:
        tagged = self.run(self.store.file.read(lambda connection: set(connection.execute("SELECT * FROM link_tag"))))
        links = self.run(self.model.list(LinkQuery(limit=1_000))).links
        assert tagged == {(tag, link.domain, link.code) for link in links for tag in link.tags}


TestSameAnswers = pytest.mark.slow(SameAnswers.TestCase)
TestSameAnswers.settings = settings(
    max_examples=40, stateful_step_count=40, deadline=None, phases=set(Phase) - {Phase.explain}
)
