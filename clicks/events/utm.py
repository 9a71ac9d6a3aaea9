"""The campaign that a link belongs to: the utm_… parameters of its target."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final, Protocol
from urllib.parse import parse_qsl

from clicks.events.texts import clean, members, without_controls
from redirect_core import is_alias
from shortlink.clock import Clock
from shortlink.links import Link, LinkKey

TAGS: Final = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")
MAX_CHARACTERS: Final = 256  # of a tag's value
KEPT_SECONDS: Final = 60.0  # a link's change is in events within this time
KEPT_BYTES: Final = 32 << 20
_HALF_SECONDS: Final = KEPT_SECONDS / 2
LINKS_AT_ONCE: Final = 1_000  # in one question to the store, which has others to answer
_BYTES_BESIDE: Final = 250  # of a remembered link: a tuple, its two texts, and their place in a dict

SpooledLink = tuple[bytes, bytes]  # domain and code, as the spool has them


class Links(Protocol):
    """What is asked of a LinkStore here."""

    async def get(self, keys: Sequence[LinkKey]) -> Mapping[LinkKey, Link]: ...


class UtmTags:
    """Asks a store of links, and remembers its answers for at most KEPT_SECONDS and KEPT_BYTES."""

    def __init__(self, links: Links, clock: Clock) -> None:
        self._links = links
        self._clock = clock
        # Two halves: every KEPT_SECONDS / 2, or when it is full, the young one becomes the old one, and what was old is
        # gone.
        self._young: dict[SpooledLink, bytes] = {}
        self._old: dict[SpooledLink, bytes] = {}
        self._young_bytes = 0
        self._turn_at = clock.monotonic() + _HALF_SECONDS

    async def describe(self, links: Sequence[SpooledLink]) -> list[bytes]:
        """The five tags of each link as JSON members. StoreUnavailable: the store of links can't be asked."""
        self._grow_old()
        young, old = self._young, self._old
        found = [young.get(link) or old.get(link) for link in links]
        unknown = [link for link, known in zip(links, found, strict=True) if known is None]
        if not unknown:
            return [known for known in found if known is not None]
        asked = await self._ask(unknown)
        return [known or asked[link] for link, known in zip(links, found, strict=True)]

    async def _ask(self, links: Sequence[SpooledLink]) -> dict[SpooledLink, bytes]:
        answers: dict[SpooledLink, bytes] = {}
        for start in range(0, len(links), LINKS_AT_ONCE):
            keys = {link: _key(link) for link in links[start : start + LINKS_AT_ONCE]}
            stored = await self._links.get([key for key in keys.values() if key is not None])
            for link, key in keys.items():
                answers[link] = _tags_of(stored.get(key)) if key is not None else _NONE
                self._remember(link, answers[link])
        return answers

    def _remember(self, link: SpooledLink, described: bytes) -> None:
        self._young[link] = described
        self._young_bytes += len(link[0]) + len(link[1]) + len(described) + _BYTES_BESIDE
        if self._young_bytes > KEPT_BYTES // 2:
            self._turn()

    def _grow_old(self) -> None:
        turns = max(0, int((self._clock.monotonic() - self._turn_at) // _HALF_SECONDS) + 1)
        self._turn_at += turns * _HALF_SECONDS
        for _ in range(min(turns, 2)):  # two leave nothing
            self._turn()

    def _turn(self) -> None:
        self._old, self._young, self._young_bytes = self._young, {}, 0


def tags_of(target: str) -> dict[str, str]:
    """The five tags of a target, percent-decoded; of a name that comes twice the first value. Empty: not there."""
    return _tags_of_query(_query_of(target))


def _query_of(target: str) -> str:
    return target.partition("#")[0].partition("?")[2]


def _tags_of_query(query: str) -> dict[str, str]:
    given = parse_qsl(query, encoding="utf-8", errors="replace")
    first = dict(reversed(given))
    return {tag: without_controls(first.get(tag, ""))[:MAX_CHARACTERS] for tag in TAGS}


_NONE: Final = members(dict.fromkeys(TAGS, ""))


def _tags_of(link: Link | None) -> bytes:
    if link is None or "?" not in link.target:
        return _NONE  # one object for nearly all
    return _described(_query_of(link.target))


@lru_cache(maxsize=1_024)  # of at most 8,000 bytes each: the links of a campaign share their query
def _described(query: str) -> bytes:
    return members(_tags_of_query(query))


def _key(link: SpooledLink) -> LinkKey | None:
    """The link's key; None: no link can have it, so that no store need be asked."""
    domain, code = link
    return LinkKey(clean(domain), code.decode("ascii")) if is_alias(code) else None
