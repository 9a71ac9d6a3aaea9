"""Cached links: cachetools decides what stays and for how long; plain dicts answer the hot path."""

from collections.abc import Callable
from functools import lru_cache
from typing import Final

from cachetools import TLRUCache

from gateway.engines.python.entries import Entry, Name


class LinkCache(TLRUCache[Name, Entry]):
    """Entries by name, in at most so many bytes of memory; each until even a worker that is cut off forgets it.

    An entry without limits is also in `plain`, by domain and code, for as long as it may be trusted: there a hit
    costs one look-up and moves nothing. So a link's turn to be evicted is put off when it is refreshed, not at
    each hit; a link in use is refreshed every half minute.

    Memory is counted here rather than by cachetools' `getsizeof`: that would cost a third dict, and knows nothing of
    the dicts themselves, which double with one entry more.
    """

    def __init__(self, max_bytes: int, timer: Callable[[], float], domains: frozenset[bytes]) -> None:
        super().__init__(_NO_LIMIT, ttu=_stale_until, timer=timer)
        self.plain: dict[bytes, dict[bytes, Entry]] = {domain: {} for domain in (b"", *domains)}
        self._max_bytes = max_bytes
        self._entry_bytes = 0
        self._count = 0

    @property
    def size_bytes(self) -> int:
        """About what it takes in memory: tests/engine_contract/test_memory.py says how close that is."""
        return self._entry_bytes + _table_bytes(self._count)

    def find(self, name: Name) -> Entry | None:
        """The entry of this name, however old; None: there is none. (`get` looks twice, and sets up a timer.)"""
        try:
            return self[name]
        except KeyError:
            return None

    def keep(self, name: Name, entry: Entry, *, is_plain: bool) -> None:
        """Take an entry in, and let go of those that were kept the longest time ago for it."""
        held = self.find(name)
        if held is None:
            self._count += 1
        else:
            self._entry_bytes -= held.size_bytes
        self._entry_bytes += entry.size_bytes
        self[name] = entry
        domain, code = _parts(name)
        if not is_plain:
            self._withdraw(domain, code)
        elif domain in self.plain:
            self.plain[domain][code] = entry
        while self.size_bytes > self._max_bytes and self._count:
            self.popitem()

    def drop(self, name: Name) -> None:
        """Forget an entry, if there is one."""
        if name in self:
            del self[name]

    def distrust(self) -> None:
        """Leave no entry to be served without a closer look."""
        for entries in self.plain.values():
            entries.clear()

    def expire(self, time: float | None = None) -> list[tuple[Name, Entry]]:
        expired = list(super().expire(time))
        for name, entry in expired:
            self._let_go(name, entry)
        return expired

    def __delitem__(self, name: Name) -> None:
        self._let_go(name, self[name])
        super().__delitem__(name)

    def _let_go(self, name: Name, entry: Entry) -> None:
        self._entry_bytes -= entry.size_bytes
        self._count -= 1
        self._withdraw(*_parts(name))

    def _withdraw(self, domain: bytes, code: bytes) -> None:
        if domain in self.plain:
            self.plain[domain].pop(code, None)


def _parts(name: Name) -> tuple[bytes, bytes]:
    return (b"", name) if isinstance(name, bytes) else name


def _table_bytes(count: int) -> int:
    """What the dicts take that have so many keys, while keys come and go.

    CPython makes room for three times the keys there are, in a power of two, when a dict is full: a slot of the
    index is 4 bytes, two thirds of them have an entry of 24. There are three, one of which is ordered: 8 bytes a slot.
    """
    return (1 << (3 * count).bit_length()) * (3 * (4 + 24 * 2 // 3) + 8)


def _stale_until(name: Name, entry: Entry, now: float) -> float:
    """Whole seconds, so that many entries share one number."""
    return _seconds(int(entry.stale_until))


@lru_cache(maxsize=256)
def _seconds(seconds: int) -> float:
    return float(seconds)


_NO_LIMIT: Final = float("inf")
