"""Campaigns of links, by their targets."""

import asyncio
import json
from collections.abc import Mapping, Sequence

import pytest

from clicks.events.utm import KEPT_BYTES, LINKS_AT_ONCE, TAGS, UtmTags, tags_of
from shortlink.errors import StoreUnavailable
from shortlink.links import Link, LinkKey
from tests.store_contract.clicks.samples import ManualClock


class Targets:
    """Links with these targets, and what was asked of them."""

    def __init__(self, **targets: str) -> None:
        self.targets = targets
        self.asked: list[Sequence[LinkKey]] = []

    async def get(self, keys: Sequence[LinkKey]) -> Mapping[LinkKey, Link]:
        self.asked.append(keys)
        return {key: link(key, self.targets[key.code]) for key in keys if key.code in self.targets}


class Away:
    async def get(self, keys: Sequence[LinkKey]) -> Mapping[LinkKey, Link]:
        raise StoreUnavailable("the store of links is away")


def link(key: LinkKey, target: str) -> Link:
    return Link(domain=key.domain, code=key.code, target=target, owner_key=None, created_at=0, updated_at=0, version=1)


def named(tags: Mapping[str, str]) -> dict[str, str]:
    return {name.removeprefix("utm_"): value for name, value in tags.items() if value}


@pytest.mark.parametrize(
    ("target", "tags"),
    [
        ("https://example.com/", {}),
        ("https://example.com/?utm_source=news&utm_medium=mail", {"source": "news", "medium": "mail"}),
        ("https://example.com/?utm_campaign=spring%20sale+2&x=1#utm_term=no", {"campaign": "spring sale 2"}),
        ("https://example.com/?utm_term=m%C3%BCnchen&utm_content=%F0%9F%90%A7", {"term": "münchen", "content": "🐧"}),
        ("https://example.com/?utm_source=first&utm_source=second", {"source": "first"}),
        ("https://example.com/?utm_source=&utm_medium", {}),
        ("https://example.com/?utm_source=%FF%00%1b", {"source": "\ufffd\ufffd\ufffd"}),
        ("https://example.com/?UTM_SOURCE=news", {}),
        ("https://example.com/?utm_source=" + "a" * 300, {"source": "a" * 256}),
    ],
)
def test_tags_of_a_target(target: str, tags: dict[str, str]) -> None:
    assert named(tags_of(target)) == tags


def sources(tags: UtmTags, *codes: bytes) -> list[str]:
    described = asyncio.run(tags.describe([(b"", code) for code in codes]))
    return [json.loads(b"{%s}" % members)["utm_source"] for members in described]


def test_links_are_described_in_their_order_and_absent_ones_have_no_tags() -> None:
    tags = UtmTags(Targets(one="https://x.example/?utm_source=a", two="https://x.example/?utm_source=b"), ManualClock())
    assert sources(tags, b"two", b"gone", b"one") == ["b", "", "a"]


def test_a_link_is_asked_for_once_a_minute() -> None:
    links, clock = Targets(one="https://x.example/?utm_source=a"), ManualClock()
    tags = UtmTags(links, clock)
    assert sources(tags, b"one") == ["a"]
    links.targets["one"] = "https://x.example/?utm_source=b"
    clock.advance(29_000)
    assert sources(tags, b"one") == ["a"]
    clock.advance(30_999)
    assert sources(tags, b"one") == ["a"]
    clock.advance(1)
    assert sources(tags, b"one") == ["b"]


def test_after_a_long_silence_nothing_is_remembered() -> None:
    links, clock = Targets(one="https://x.example/?utm_source=a"), ManualClock()
    tags = UtmTags(links, clock)
    sources(tags, b"one")
    links.targets["one"] = "https://x.example/?utm_source=b"
    clock.advance(3_600_000)
    assert sources(tags, b"one") == ["b"]


def test_a_store_that_is_away_makes_the_sink_wait() -> None:
    tags = UtmTags(Away(), ManualClock())
    with pytest.raises(StoreUnavailable):
        sources(tags, b"one")


def test_the_store_is_asked_for_a_bounded_number_at_once_and_never_for_what_can_be_no_code() -> None:
    links = Targets()
    sources(UtmTags(links, ManualClock()), *(b"c%d" % n for n in range(LINKS_AT_ONCE + 1)), b"no code", b"\0\xff")
    assert [len(keys) for keys in links.asked] == [LINKS_AT_ONCE, 1]


def test_memory_is_bounded_and_nothing_is_lost_by_it() -> None:
    long = "https://x.example/?" + "&".join(f"{tag}={'a' * 256}" for tag in TAGS)
    codes = [b"c%d" % n for n in range(KEPT_BYTES // 1_500)]
    tags = UtmTags(Targets(**{code.decode(): long for code in codes}), ManualClock())
    described = asyncio.run(tags.describe([(b"", code) for code in codes]))
    assert len(set(described)) == 1
    held = {**tags._old, **tags._young}
    assert sum(map(len, held.values())) <= KEPT_BYTES
