"""A link as the cache keeps it: its reply, ready but for the first lines, and how long it may be served."""

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from gateway.engines.contract import REFRESH_AT, STALE_SECONDS
from gateway.engines.fit import is_fit
from gateway.http import answers
from gateway.http.location import with_query
from shortlink.links import DEFAULT_CACHE_CONTROL, REDIRECT_STATUSES, Link, LinkKey

if TYPE_CHECKING:
    from gateway.http.answers import Answer

# What an entry goes by: its code alone on the default domain, else domain and code. No bytes of a request can be
# taken for a name of another domain, because a tuple equals no bytes.
Name = bytes | tuple[bytes, bytes]

# Structs rather than dataclasses: half the memory, and the garbage collector never walks over a full cache.
# Numbers that many entries have in common are one object (`_shared_time`, `_SHARED_STATUS`, `_SIZES`): that saves
# memory, and on a hit of a link that is not in the processor's cache one wait for memory each.


class Limits(Struct, frozen=True, gc=False):
    """What must be looked at each time a link is served; most links have none of it.

    Attributes:
        broken: its reply can't be prepared: 500.
        enabled: False: 404.
        not_before: ms since the epoch; earlier: 404.
        expires_at: ms since the epoch; from then on `expired_target`, or 410.
        expired_target: where it leads then; None: nowhere.
        forward_query: the visitor's query is added to the target.
    """

    broken: bool
    enabled: bool
    not_before: int | None
    expires_at: int | None
    expired_target: bytes | None
    forward_query: bool


class Redirect(Struct, frozen=True, gc=False):
    """A redirect to be sent; `ending` is all that follows the target in its reply."""

    status: int
    target: bytes
    ending: bytes


class Entry(Struct, frozen=True, gc=False):
    """A cached link. Times are seconds of the monotonic clock.

    Attributes:
        version: the link's.
        status: of its redirect.
        target: where it leads.
        ending: all that follows the target in its reply; links with the same Cache-Control share it.
        limits: None: that is the answer, whenever and whoever asks.
        asked_at: when it was read from a store, at the earliest.
        held_from: the same, or when it was found that no store answers, and this old copy must do for a while.
        refresh_at: from then on it is asked for anew in the background.
        fresh_until: the end of its lifetime.
        size_bytes: what it takes in memory, its place in the cache included.
    """

    version: int
    status: int
    target: bytes
    ending: bytes
    limits: Limits | None
    asked_at: float
    held_from: float
    refresh_at: float
    fresh_until: float
    size_bytes: int

    @property
    def is_stale(self) -> bool:
        """True for a copy past its lifetime that is served because no store answers."""
        return self.held_from > self.asked_at

    @property
    def stale_until(self) -> float:
        """When even a worker that is cut off from all stores forgets it."""
        return self.asked_at + STALE_SECONDS

    @property
    def may_be_stale(self) -> bool:
        """False for a link that is known to be disabled: an old copy of that is never served."""
        return self.limits is None or self.limits.enabled

    def confirmed(self, asked_at: float, lifetime: float) -> "Entry":
        """The same link, read again."""
        return Entry(
            self.version,
            self.status,
            self.target,
            self.ending,
            self.limits,
            asked_at,
            asked_at,
            _shared_time(asked_at + lifetime * REFRESH_AT),
            _shared_time(asked_at + lifetime),
            self.size_bytes,
        )

    def held_over(self, until: float, now: float, *, is_fresh: bool) -> "Entry":
        """The same copy, not to be asked for again until then, because no store answered.

        `is_fresh`: it may be served as a fresh one anyway; else from `now` on as a stale one.
        """
        return Entry(
            self.version,
            self.status,
            self.target,
            self.ending,
            self.limits,
            self.asked_at,
            self.held_from if is_fresh else now,
            until if is_fresh else 0.0,
            self.fresh_until if is_fresh else until,
            self.size_bytes,
        )

    def at(self, now_ms: int, query: bytes) -> "Redirect | Answer":
        """What to answer at this time (ms since the epoch) to a request with this query."""
        limits = self.limits
        if limits is None:
            return Redirect(self.status, self.target, self.ending)
        if limits.broken:
            return answers.INTERNAL_ERROR
        if not limits.enabled or (limits.not_before is not None and now_ms < limits.not_before):
            return answers.NOT_FOUND
        if limits.expires_at is not None and now_ms >= limits.expires_at:
            if limits.expired_target is None:
                return answers.GONE
            # The link's own Cache-Control was meant for its target, not for where it leads when that is over.
            return Redirect(302, limits.expired_target, _ending(DEFAULT_CACHE_CONTROL))
        if limits.forward_query:
            return Redirect(self.status, with_query(self.target, query), self.ending)
        return Redirect(self.status, self.target, self.ending)


def make_entry(link: Link, asked_at: float, lifetime: float) -> Entry:
    """Prepare a link's reply once, and check again that its bytes can do no harm in a head."""
    broken = not is_fit(link)
    target = b"" if broken else link.target.encode("ascii")
    limits = None
    if broken or not link.enabled or link.forward_query or (link.not_before, link.expires_at) != (None, None):
        limits = _limits(link, broken=broken)
    return Entry(
        link.version,
        _SHARED_STATUS.get(link.status, link.status),
        target,
        _ending("" if broken else link.cache_control),
        limits,
        asked_at,
        asked_at,
        _shared_time(asked_at + lifetime * REFRESH_AT),
        _shared_time(asked_at + lifetime),
        _size(link, target, limits),
    )


def name_of(key: LinkKey) -> Name:
    """What a link's entry goes by."""
    code = key.code.encode()
    return (key.domain.encode(), code) if key.domain else code


def key_of(name: Name) -> LinkKey:
    """Which link an entry is of."""
    if isinstance(name, bytes):
        return LinkKey("", name.decode())
    domain, code = name
    return LinkKey(domain.decode(), code.decode())


def _limits(link: Link, *, broken: bool) -> Limits:
    expired_target = None if broken or link.expired_target is None else link.expired_target.encode("ascii")
    return Limits(broken, link.enabled, link.not_before, link.expires_at, expired_target, link.forward_query)


@lru_cache(maxsize=1_024)
def _ending(cache_control: str) -> bytes:
    return b"\r\nCache-Control: %b\r\nContent-Length: 0\r\n\r\n" % cache_control.encode("ascii")


def _shared_time(seconds: float) -> float:
    """This time, or up to 1/8 s before it."""
    return _eighths(int(seconds * 8))


@lru_cache(maxsize=1_024)
def _eighths(eighths: int) -> float:
    return eighths / 8


def _size(link: Link, target: bytes, limits: Limits | None) -> int:
    """An estimate of all memory that an entry takes: see tests/engine_contract/test_memory.py for how close it is."""
    size = _ENTRY_BYTES + len(target) * 17 // 16 + len(link.code)  # long ones leave gaps when they go
    if link.domain:
        size += _DOMAIN_BYTES + len(link.domain)
    if limits is not None:
        size += _LIMITS_BYTES + len(limits.expired_target or b"")
    return _SIZES[size // _SIZE_STEP]


# Measured on CPython 3.11 (x86-64) under eviction: the entry, its name and its numbers, and what cachetools keeps of it
# (an item in a heap, for a while also when it is gone, and a place in an order). The dicts count apart.
_ENTRY_BYTES: Final = 445
_DOMAIN_BYTES: Final = 190
_LIMITS_BYTES: Final = 32
# Sizes go in steps; the last is past two targets of 8,000 bytes.
_SIZE_STEP: Final = 16
_SIZES: Final = tuple(range(_SIZE_STEP, 20_000, _SIZE_STEP))
_SHARED_STATUS: Final = {status: status for status in REDIRECT_STATUSES}
