"""Any sequence of calls: the SQLite store answers as the memory store does."""

import asyncio
import random
import shutil
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Final, TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from shortlink.errors import CursorExpired
from shortlink.links import Idempotency, LinkKey, LinkPatch, LinkQuery, NewLink, Order
from shortlink.stores.memory import MemoryLinkStore
from shortlink.stores.sqlite import SqliteLinkStore

T = TypeVar("T")

DAY_MS: Final = 86_400_000

# Few of each, so that they meet.
DOMAINS: Final = st.sampled_from(["", "go.example"])
CODES: Final = st.sampled_from(["a", "A", "b", "c-1"])
KEYS: Final = st.builds(LinkKey, DOMAINS, CODES)
TIMES: Final = st.none() | st.integers(0, 253_402_300_799_999)
TITLES: Final = (
    st.none() | st.sampled_from(["", "Ärger", "ärger", "a\\b%", "\u0130"]) | st.text(max_size=5).filter(str.isprintable)
)
TAGS: Final = st.lists(st.sampled_from(["x", "y", "ö"]), unique=True).map(tuple)
TARGETS: Final = st.sampled_from(["https://a.example/", "https://b.example/%20?A=1"])
FIELDS: Final[dict[str, st.SearchStrategy[Any]]] = {
    "target": TARGETS,
    "status": st.sampled_from([301, 302, 303, 307, 308]),
    "cache_control": st.sampled_from(["private, max-age=0", "no-store"]),
    "not_before": TIMES,
    "expires_at": TIMES,
    "expired_target": st.none() | TARGETS,
    "forward_query": st.booleans(),
    "title": TITLES,
    "tags": TAGS,
    "enabled": st.booleans(),
}
ASKED: Final = st.none() | st.builds(
    Idempotency,
    scope=st.sampled_from(["one", "two"]),
    key=st.sampled_from(["k", "l"]),
    fingerprint=st.sampled_from([b"1" * 32, b"2" * 32]),
)
NEW: Final = st.builds(
    NewLink, domain=DOMAINS, code=CODES, owner_key=st.none() | st.just("key"), idempotency=ASKED, **FIELDS
)
PATCHES: Final = st.fixed_dictionaries({}, optional=FIELDS).map(LinkPatch)
QUERIES: Final = st.builds(
    LinkQuery,
    search=st.none() | st.sampled_from(["A", "ärg", "ÄRG", "%", "example", "\u0130", ""]),
    tag=st.none() | st.sampled_from(["x", "ö"]),
    domain=st.none() | DOMAINS,
    order=st.sampled_from(Order),
    limit=st.integers(1, 5),
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

    @initialize()
    def open(self) -> None:
        self.run(self.store.open())
        self.model_cursor = self.run(self.model.changes(None)).cursor
        self.cursor = self.run(self.store.changes(None)).cursor

    def teardown(self) -> None:
        self.run(self.store.close())
        self.runner.close()
        shutil.rmtree(self.folder)

    def run(self, call: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(call)

    @rule(news=st.lists(NEW, min_size=1, max_size=6))
    def add(self, news: list[NewLink]) -> None:
        assert self.run(self.store.add(news)) == self.run(self.model.add(news))

    @rule(domain=DOMAINS, seed=st.integers(0, 50), asked=ASKED)
    def draw(self, domain: str, seed: int, asked: Idempotency | None) -> None:
        """A drawn code is free in one store when it is in the other: both draw the same."""
        new = NewLink(domain=domain, target="https://drawn.example/", idempotency=asked)
        answers = []
        for store in (self.store, self.model):
            source = random.Random(seed)
            store._draw_code = lambda source=source: source.choice("abcA") * source.randint(1, 4)  # type: ignore[misc]
            answers.append(self.run(store.add([new])))
        assert answers[0] == answers[1]

    @rule(key=KEYS, patch=PATCHES)
    def change(self, key: LinkKey, patch: LinkPatch) -> None:
        assert self.run(self.store.change(key, patch)) == self.run(self.model.change(key, patch))

    @rule(key=KEYS, patch=PATCHES, off=st.integers(-1, 1), remove=st.booleans())
    def change_if(self, key: LinkKey, patch: LinkPatch, off: int, remove: bool) -> None:
        link = self.run(self.model.get([key])).get(key)
        version = off + (0 if link is None else link.version)
        if remove:
            assert self.run(self.store.remove(key, version)) == self.run(self.model.remove(key, version))
        else:
            assert self.run(self.store.change(key, patch, version)) == self.run(self.model.change(key, patch, version))

    @rule(key=KEYS)
    def remove(self, key: LinkKey) -> None:
        assert self.run(self.store.remove(key)) == self.run(self.model.remove(key))

    @rule(ms=st.integers(-5_000, 5_000) | st.integers(0, 3 * DAY_MS))
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
        keys = [LinkKey(domain, code) for domain in ("", "go.example") for code in ("a", "A", "b", "c-1")]
        assert self.run(self.store.get(keys)) == self.run(self.model.get(keys))
        assert self.run(self.store.count()) == self.run(self.model.count())

    @invariant()
    def the_tag_index_is_exact(self) -> None:
        tagged = self.run(self.store.file.read(lambda connection: set(connection.execute("SELECT * FROM link_tag"))))
        links = self.run(self.model.list(LinkQuery(limit=1_000))).links
        assert tagged == {(tag, link.domain, link.code) for link in links for tag in link.tags}


TestSameAnswers = SameAnswers.TestCase
TestSameAnswers.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
