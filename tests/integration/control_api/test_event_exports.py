"""Exports of single clicks: complete, harmless whatever visitors sent, and never more than a page in memory."""

import asyncio
import csv
import io
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from clicks.events.event import ClickEvent
from clicks.questions import Question
from clicks.stores.memory_events import PAGE
from control_api.event_lines import COLUMNS, as_csv
from control_api.streaming import Streamed
from shortlink.errors import StoreUnavailable
from tests.integration.control_api.clicked import Clicked, click, with_clicks, with_clicks_in_sqlite

HOSTILE = [
    "=HYPERLINK(\"https://evil.example\",\"click\")",
    "+1+1",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1)",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    'a"b,c\r\nd;e',
    "x;=cmd|' /C calc'!A0;y",
    ";@SUM(1);+1;-1;\t=1",
    "＝1+1",
    "x;＠SUM(1)",
    "<script>alert(1)</script>",
    "data: x\n\nevent: skipped\ndata: {}",
    "id: 5\rretry: 1",
    "\x00\x01\x1f\x7f\x85\u2028\u2029",
    "\ufeff\u202egnp.exe",
    "\ufffd\ufffd",
    "x" * 512,
    "𝕌𝕟𝕚𝕔𝕠𝕕𝕖 ✓ עברית",
    "'",
    "",
]  # fmt: skip

FORMULA = "=+\\-@\t\r\n＝＋－＠"


@pytest.fixture(params=[with_clicks, with_clicks_in_sqlite], ids=["memory", "sqlite"])
def clicked(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Clicked]:
    with request.param(tmp_path / "data") as clicked:
        yield clicked


def hostile_clicks() -> list[ClickEvent]:
    """A click for each hostile text, with the text in every place that visitors write."""
    return [
        click(seq, referrer=text, user_agent=text, language=text, referrer_host=text, utm_source=text, city=text)
        for seq, text in enumerate(HOSTILE, 1)
    ]


def test_lines_of_json_are_the_clicks_whatever_is_in_them(clicked: Clicked) -> None:
    clicked.fill(*hostile_clicks())
    reply = clicked.api.ask("GET", "/api/stats/events.ndjson")
    assert reply.headers["content-type"] == "application/x-ndjson"
    assert reply.headers["content-disposition"] == 'attachment; filename="clicks.ndjson"'
    assert [msgspec.json.decode(line, type=ClickEvent) for line in reply.content.split(b"\n")[:-1]] == hostile_clicks()


def test_cells_of_csv_are_the_texts_and_no_formula(clicked: Clicked) -> None:
    clicked.fill(*hostile_clicks())
    reply = clicked.api.ask("GET", "/api/stats/events.csv")
    assert reply.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    assert reply.headers["content-disposition"] == 'attachment; filename="clicks.csv"'
    assert reply.headers["x-content-type-options"] == "nosniff"
    rows = list(csv.DictReader(io.StringIO(reply.content.decode(), newline="")))
    for name in ("referrer", "user_agent", "language", "referrer_host", "utm_source", "city"):
        cells = [row[name] for row in rows]
        assert [re.sub(rf"(^|;)'(?=[{FORMULA}])", r"\1", cell) for cell in cells] == HOSTILE
        assert not any(re.search(rf"(^|;)[{FORMULA}]", cell) for cell in cells)


def test_csv_has_a_header_and_times_that_people_can_read(clicked: Clicked) -> None:
    clicked.fill(click(1, 0.25, variant=1))
    header, row, rest = clicked.api.ask("GET", "/api/stats/events.csv").text.split("\r\n")
    assert header == ",".join(COLUMNS)
    assert dict(zip(COLUMNS, row.split(","), strict=True)) | {"user_agent": ""} == {
        "v": "1", "epoch": "00112233-4455-6677-8899-aabbccddeeff", "seq": "1", "node": "node-1", "worker": "0",
        "time": "2027-01-15T07:45:00.000Z", "clicks": "1", "domain": "", "code": "spring", "variant": "1",
        "class": "human", "reason": "browser", "browser": "Firefox", "os": "Linux", "device": "desktop",
        "user_agent": "", "visitor": "7", "network": "203.0.113.0/24", "country": "DE", "city": "Berlin",
        "referrer": "https://news.example.com/1", "referrer_host": "news.example.com", "language": "de",
        "utm_source": "", "utm_medium": "", "utm_campaign": "", "utm_term": "", "utm_content": "",
    }  # fmt: skip
    assert rest == ""


def test_hostile_values_are_told_by_every_figure(clicked: Clicked) -> None:
    clicked.fill(*hostile_clicks())
    for dimension in ("referrer", "referrer_host", "language", "utm_source", "city"):
        values = clicked.get(f"top/{dimension}", limit=100)["values"]
        assert sorted(value["value"] for value in values) == sorted(HOSTILE)
    for text in HOSTILE:
        if "\x00" not in text:
            assert clicked.get("summary", referrer=text)["clicks"] == 1
    assert clicked.refused("summary", referrer="\x00") == (400, "invalid-parameter", "referrer")


def test_nothing_to_export_is_an_empty_file_or_a_header(clicked: Clicked) -> None:
    assert clicked.api.ask("GET", "/api/stats/events.ndjson").content == b""
    assert clicked.api.ask("GET", "/api/stats/events.csv").text == ",".join(COLUMNS) + "\r\n"


def test_head_tells_the_headers_alone(clicked: Clicked) -> None:
    clicked.fill(click(1))
    reply = clicked.api.ask("HEAD", "/api/stats/events.csv")
    assert (reply.status_code, reply.content) == (200, b"")
    assert reply.headers["x-accel-buffering"] == "no"


class Client:
    """Who takes a reply piece by piece, and may stop to."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.taken = asyncio.Event()
        self.takes = asyncio.Event()
        self.gone = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:  # noqa: ANN401 - ASGI's
        self.messages.append(message)
        if message.get("body"):
            self.taken.set()
            await self.takes.wait()


class Pages:
    """An export without end that tells how far it was read."""

    def __init__(self, fails_after: int = 1_000_000) -> None:
        self.read = 0
        self.closed = False
        self._fails_after = fails_after

    async def pages(self) -> AsyncIterator[Sequence[ClickEvent]]:
        try:
            while self.read < self._fails_after:
                self.read += 1
                yield [click(self.read)] * PAGE
            raise StoreUnavailable("away")
        finally:
            self.closed = True


def test_nothing_is_read_ahead_of_a_client_that_takes_nothing() -> None:
    async def story() -> None:
        client, pages = Client(), Pages()
        reply = await Streamed(as_csv(pages.pages()), "text/csv").begun()
        sending = asyncio.create_task(reply({"type": "http"}, client.receive, client.send))
        await client.taken.wait()
        assert pages.read == 1
        client.gone.set()
        await sending
        assert pages.read == 1
        assert pages.closed

    asyncio.run(story())


def test_a_client_that_leaves_ends_the_query() -> None:
    async def story() -> None:
        client, pages = Client(), Pages()
        client.takes.set()
        reply = await Streamed(as_csv(pages.pages()), "text/csv").begun()
        sending = asyncio.create_task(reply({"type": "http"}, client.receive, client.send))
        while pages.read < 3:  # noqa: ASYNC110 - nobody tells when a page is read
            await asyncio.sleep(0)
        client.gone.set()
        await sending
        assert pages.closed

    asyncio.run(story())


def test_a_client_that_takes_nothing_is_cut_off() -> None:
    async def story() -> None:
        client, pages = Client(), Pages()
        reply = await Streamed(as_csv(pages.pages()), "text/csv", stalled_seconds=0.01).begun()
        await asyncio.wait_for(reply({"type": "http"}, client.receive, client.send), 10)
        assert client.messages[-1].get("more_body")  # the reply has begun and has no end: the server closes it

    asyncio.run(story())


def test_a_store_that_goes_away_leaves_the_reply_without_an_end() -> None:
    async def story() -> None:
        client, pages = Client(), Pages(fails_after=2)
        client.takes.set()
        reply = await Streamed(as_csv(pages.pages()), "text/csv").begun()
        await asyncio.wait_for(reply({"type": "http"}, client.receive, client.send), 10)
        assert client.messages[-1].get("more_body")

    asyncio.run(story())


def test_a_store_that_is_away_is_a_problem_before_anything_is_sent(clicked: Clicked) -> None:
    def away(question: Question) -> AsyncIterator[Sequence[ClickEvent]]:
        return Pages(fails_after=0).pages()

    events = clicked.api.plane.clicks.events
    assert events is not None
    events.answers.export = away  # type: ignore[method-assign]
    for name in ("events.csv", "events.ndjson"):
        assert clicked.refused(name)[:2] == (503, "store-unavailable")
