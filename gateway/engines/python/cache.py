"""Cached links: cachetools decides what stays and for how long; plain dicts answer the hot path."""

from collections.abc import Callable
from functools import lru_cache
from operator import attrgetter

from cachetools import TLRUCache

from gateway.engines.python.entries import Entry, Name


class LinkCache(TLRUCache[Name, Entry]):
    """Entries by name, in at most so many bytes of memory; each until even a worker that is cut off forgets it.

    An entry without limits is also in `plain`, by domain and code, for as long as it may be trusted: there a hit
    costs one look-up and moves nothing. So a link's turn to be evicted is put off when it is refreshed, not at
    each hit; a link in use is refreshed every half minute.
    """

    def __init__(self, max_bytes: int, timer: Callable[[], float], domains: frozenset[bytes]) -> None:
        super().__init__(max_bytes, ttu=_stale_until, timer=timer, getsizeof=attrgetter("size_bytes"))
        self.plain: dict[bytes, dict[bytes, Entry]] = {domain: {} for domain in (b"", *domains)}

    def find(self, name: Name) -> Entry | None:
        """The entry of this name, however old; None: there is none. (`get` looks twice, and sets up a timer.)"""
        try:
            return self[name]
        except KeyError:
            return None

    def keep(self, name: Name, entry: Entry, *, is_plain: bool) -> None:
        """Take an entry in; one that is larger than the whole cache is not kept."""
        if entry.size_bytes > self.maxsize:
            self.drop(name)
            return
        self[name] = entry
        domain, code = _parts(name)
        if not is_plain:
            self._withdraw(name)
        elif domain in self.plain:
            self.plain[domain][code] = entry

    def drop(self, name: Name) -> None:
        """Forget an entry, if there is one."""
        if name in self:
            del self[name]

    def distrust(self) -> None:
        """Leave no entry to be served without a closer look."""
        for entries in self.plain.values():
            entries.clear()

    def expire(self, time: float | None = None) -> list[tuple[Name, Entry]]:
        expired = super().expire(time)
        for name, _ in expired:
            self._withdraw(name)
        return list(expired)

    def __delitem__(self, name: Name) -> None:
        self._withdraw(name)
        super().__delitem__(name)

    def _withdraw(self, name: Name) -> None:
        domain, code = _parts(name)
        if domain in self.plain:
            self.plain[domain].pop(code, None)


def _parts(name: Name) -> tuple[bytes, bytes]:
    return (b"", name) if isinstance(name, bytes) else name


def _stale_until(name: Name, entry: Entry, now: float) -> float:
    """Whole seconds, so that many entries share one number: 32 bytes each."""
    return _seconds(int(entry.stale_until))


@lru_cache(maxsize=256)
def _seconds(seconds: int) -> float:
    return float(seconds)
