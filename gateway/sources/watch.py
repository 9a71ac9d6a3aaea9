"""What the relay said: whether Redis can be trusted now, and the changes that are still to be read."""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Final

from cachetools import TTLCache

from shortlink.cache.contract import Announcement, Copy, SharedCache
from shortlink.clock import Clock
from shortlink.links import Change, Changes, LinkKey

SILENT_SECONDS: Final = 3.0  # a relay speaks each second
BACKLOG: Final = 1_000  # announcements not yet read; past it the store is asked for what they said
REMEMBERED_SECONDS: Final = 60.0  # far longer than any answer is under way
REMEMBERED_VERSIONS: Final = 100_000


class RelayWatch:
    """Hears announcements of one shared cache; decides, but touches nothing.

    Attributes:
        news: set when the feed may have grown, or must be read elsewhere.
        cache: whose announcements these are; None: it is not known yet which cache to use.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._versions: TTLCache[LinkKey, int] = TTLCache(
            REMEMBERED_VERSIONS, REMEMBERED_SECONDS, timer=clock.monotonic
        )
        self.news = asyncio.Event()
        self.watch(None)

    def watch(self, cache: SharedCache | None) -> None:
        """From now on hear about this one. Versions are remembered: they are the store's."""
        self.cache = cache
        self._term = 0
        self._run: str | None = None
        self._heard_at = float("-inf")
        self._store_answers = False
        self._reached: str | None = None
        self._backlog: deque[Announcement] = deque(maxlen=BACKLOG)
        self.news.set()

    def hear(self, said: Announcement | None) -> bool:
        """Take in what was said; None: something may have been missed. False: it is not to be heeded."""
        if said is None:
            self._heard_at, self._reached = float("-inf"), None
            self._backlog.clear()
            self.news.set()
            return False
        if said.term < self._term or self.cache is None or said.run != self.cache.run:
            return False
        is_news = bool(said.changes) or said.before != self._reached or not self.is_source
        self._term, self._run, self._reached = said.term, said.run, said.cursor
        self._heard_at, self._store_answers = self._clock.monotonic(), said.store_answers
        if said.changes:
            self._backlog.append(said)
            self.remember(said.changes)
        if is_news:
            self.news.set()
        return True

    def remember(self, changes: Sequence[Change]) -> None:
        """No older copy of these is an answer from now on."""
        for key, version in ((change.key, change.version) for change in changes):
            self._versions[key] = max(version, self._versions.get(key, 0))

    @property
    def is_live(self) -> bool:
        """True while a relay is heard that writes to the Redis in use."""
        run = None if self.cache is None else self.cache.run
        return run is not None and run == self._run and self._clock.monotonic() - self._heard_at < SILENT_SECONDS

    @property
    def is_source(self) -> bool:
        """True while what Redis says is what the store says: a relay is heard, and the store answers it."""
        return self.is_live and self._store_answers

    @property
    def reached(self) -> str | None:
        """Where the feed ends, as far as a live relay knows; None: none is heard."""
        return self._reached if self.is_live else None

    def after(self, cursor: str) -> Changes | None:
        """What was announced after this cursor; None: that is not known here, so the store must be asked."""
        if not self.is_source:
            return None
        while self._backlog:
            said = self._backlog.popleft()
            if said.before == cursor:
                return Changes(said.changes, said.cursor)
        return Changes((), cursor) if cursor == self._reached else None

    def is_current(self, key: LinkKey, copy: Copy) -> bool:
        """False for a copy that is older than what was announced."""
        return copy.version >= self._versions.get(key, 0)
