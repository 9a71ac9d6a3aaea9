"""Bulk: a result a line, in order, streamed, and no line harms another."""

import asyncio
import sys
from types import SimpleNamespace
from typing import Any

import msgspec

from control_api.access.keys import Scope
from control_api.routes.bulk import Bulk
from tests.integration.control_api.api import Api

URL = "https://example.com/"
NDJSON = {"Content-Type": "application/x-ndjson"}


def test_every_line_has_its_result_in_order(api: Api) -> None:
    results = api.bulk(
        {"url": URL, "alias": "one"},
        b"not json",
        {"url": "javascript:x"},
        b"",
        {"url": URL, "alias": "one"},
        {"alias": "no-url"},
        {"url": URL + "2"},
    )
    assert [(result["line"], result["status"]) for result in results] == [
        (1, 201), (2, 400), (3, 422), (5, 409), (6, 400), (7, 201),
    ]  # fmt: skip
    assert results[0]["link"] == {"code": "one", "short_url": "https://go.example.com/one", "target": URL}
    kinds = [result["problem"]["type"].removeprefix("/problems/") for result in results if "problem" in result]
    assert kinds == ["invalid-json", "target-scheme", "alias-taken", "invalid-field"]
    assert results[2]["problem"]["field"] == "url"
    assert api.stored() == 2


def test_the_made_links_are_whole(api: Api) -> None:
    api.bulk({"url": URL, "alias": "one", "status": 301, "tags": ["a"], "title": "One", "enabled": False})
    link = api.ask("GET", "/api/links/one").json()
    assert (link["status"], link["tags"], link["title"], link["enabled"]) == (301, ["a"], "One", False)


def test_a_resumed_import_makes_no_doubles(api: Api) -> None:
    lines = [{"url": URL + str(number), "idempotency_key": f"file:{number}"} for number in range(20)]
    first = api.bulk(*lines[:12])
    again = api.bulk(*lines)
    assert [result.get("replayed", False) for result in again] == [True] * 12 + [False] * 8
    assert [result["link"] for result in again[:12]] == [result["link"] for result in first]
    assert api.stored() == 20


def test_a_reused_idempotency_key_is_that_line_s_problem(api: Api) -> None:
    results = api.bulk({"url": URL, "idempotency_key": "a"}, {"url": URL + "2", "idempotency_key": "a"})
    assert results[1]["status"] == 422
    assert results[1]["problem"]["type"] == "/problems/idempotency-key-reused"
    assert results[1]["problem"]["field"] == "idempotency_key"


def test_a_line_that_is_too_long_is_that_line_s_problem(api: Api) -> None:
    results = api.bulk({"url": URL}, b'{"url":"' + b"x" * 10_000_000 + b'"}', {"url": URL})
    assert [result["status"] for result in results] == [201, 413, 201]


def test_another_media_type_is_refused(api: Api) -> None:
    reply = api.ask("POST", "/api/links/bulk", json={"url": URL})
    assert (reply.status_code, reply.json()["type"]) == (415, "/problems/unsupported-media-type")


def test_a_key_that_may_not_write_is_refused_before_any_line(api: Api) -> None:
    reply = api.ask(
        "POST",
        "/api/links/bulk",
        content=b'{"url":"https://example.com/"}',
        headers=NDJSON,
        key=api.key(Scope.LINKS_READ),
    )
    assert (reply.status_code, reply.json()["type"]) == (403, "/problems/wrong-scope")
    assert api.stored() == 0


class Stream:
    """A bulk request whose client and server take turns, below httpx, which would gather the reply."""

    def __init__(self, api: Api) -> None:
        self._requests: asyncio.Queue[Any] = asyncio.Queue()
        self._replies: asyncio.Queue[Any] = asyncio.Queue()
        headers = {"content-type": "application/x-ndjson", "authorization": f"Bearer {api.admin_key}"}
        scope = {
            "type": "http",
            "method": "POST",
            "path": "/api/links/bulk",
            "raw_path": b"/api/links/bulk",
            "query_string": b"",
            "root_path": "",
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        }
        self.done = asyncio.ensure_future(api.app(scope, self._requests.get, self._replies.put))

    async def send(self, body: bytes, *, more: bool = True) -> None:
        await self._requests.put({"type": "http.request", "body": body, "more_body": more})

    async def leave(self) -> None:
        await self._requests.put({"type": "http.disconnect"})

    async def results(self) -> list[dict[str, Any]]:
        """The next results that arrive, within a time that no machine needs."""
        while True:
            message = await asyncio.wait_for(self._replies.get(), 10)
            if message.get("body"):
                return [msgspec.json.decode(line) for line in message["body"].splitlines()]


def test_results_come_before_the_request_ends(api: Api) -> None:
    async def story() -> None:
        stream = Stream(api)
        await stream.send(b'{"url":"https://example.com/1"}\n{"url":"https://exam')
        assert [result["line"] for result in await stream.results()] == [1]
        await stream.send(b'ple.com/2"}\n')
        assert [result["line"] for result in await stream.results()] == [2]
        await stream.send(b"", more=False)
        await stream.done

    api.run(story())


def test_the_whole_lines_of_a_client_that_goes_away_count(api: Api) -> None:
    async def story() -> None:
        stream = Stream(api)
        await stream.send(b'{"url":"https://example.com/1"}\n{"url":"https://exam')
        await stream.leave()
        await stream.done

    api.run(story())
    assert api.stored() == 1


def test_a_hundred_thousand_lines_do_not_grow_memory(api: Api) -> None:
    lines, chunk = 100_000, 1_000

    async def story() -> None:
        stream = Stream(api)
        blocks_after: dict[int, int] = {}
        for start in range(0, lines, chunk):
            await stream.send(
                b"".join(b'{"url":"https://example.com/%d"}\n' % number for number in range(start, start + chunk))
            )
            results = await stream.results()
            assert [result["status"] for result in results] == [201] * chunk
            assert results[-1]["line"] == start + chunk
            del results
            blocks_after[start + chunk] = sys.getallocatedblocks()
        # A kept link, line or result would be a block at least, each; a chunk under way is some thousands.
        assert blocks_after[lines] - blocks_after[10 * chunk] < 10 * chunk
        await stream.send(b"", more=False)
        await stream.done

    api.run(story())
    assert api.stored() == lines


def test_a_client_that_takes_no_results_is_cut_off(api: Api) -> None:
    async def story() -> list[str]:
        sent: list[str] = []
        never = asyncio.Event()

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b'{"url":"https://example.com/"}\n', "more_body": True}

        async def send(message: Any) -> None:  # noqa: ANN401 - ASGI's
            sent.append(message["type"])
            if message["type"] == "http.response.body":
                await never.wait()

        scope = {
            "app": SimpleNamespace(state=SimpleNamespace(plane=api.plane)),
            "headers": [
                (b"content-type", b"application/x-ndjson"),
                (b"authorization", f"Bearer {api.admin_key}".encode()),
            ],
        }
        await asyncio.wait_for(Bulk(stalled_seconds=0.05)(scope, receive, send), 10)
        return sent

    # The reply has begun and has no end: the server closes such a connection.
    assert api.run(story()) == ["http.response.start", "http.response.body"]
