"""POST /api/links/bulk: makes many links, a line each, streamed in and out.

At any moment one chunk is being stored and at most two wait, however long the request is; a client that does
not take its results is not read from either.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from typing import Final

import msgspec
from starlette.exceptions import HTTPException
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from control_api import bodies, creating, documented, problems, streaming, views
from control_api.access import gate
from control_api.access.gate import Caller
from control_api.access.keys import Scope as KeyScope
from control_api.plane import ControlPlane
from control_api.problems import Problem
from control_api.schemas import BulkLine, BulkMade, BulkRefused
from control_api.short_urls import ShortUrls
from shortlink.errors import InvalidLink, StoreUnavailable
from shortlink.links import Added, NewLink, Refused
from shortlink.stores.contract import LinkStore

CHUNK_LINES: Final = 1_000  # a transaction of some 20 ms
MEDIA_TYPE: Final = "application/x-ndjson"
STALLED_SECONDS: Final = 60.0

_log = logging.getLogger("control_api")
_DECODER: Final = msgspec.json.Decoder(BulkLine)
_ENCODER: Final = msgspec.json.Encoder()

Line = tuple[int, bytes | None]  # its number and text; None: it was too long to keep
Item = tuple[int, NewLink | Problem]
Result = BulkMade | BulkRefused


class Bulk:
    """The endpoint: chunks of lines in, chunks of results out, in order."""

    def __init__(self, stalled_seconds: float = STALLED_SECONDS) -> None:
        """`stalled_seconds`: a client that takes no results for this long is cut off."""
        self._stalled_seconds = stalled_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        plane = ControlPlane.of(scope)
        caller = gate.admit(scope, plane.keys, KeyScope.LINKS_WRITE)
        bodies.require_media_type(scope, (MEDIA_TYPE,))
        start = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", MEDIA_TYPE.encode())]}
        await send(start)
        parsed: asyncio.Queue[Sequence[Item] | None] = asyncio.Queue(1)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._answer(parsed, plane, send))
                async for lines in _chunks(receive, plane.max_body_bytes):
                    await parsed.put(_parse(lines, plane, caller))
                await parsed.put(None)
            await send({"type": "http.response.body", "body": b""})
        except* TimeoutError:
            _log.warning("cut off a bulk request whose results nobody took")
            await streaming.abort(scope)

    async def _answer(self, parsed: asyncio.Queue[Sequence[Item] | None], plane: ControlPlane, send: Send) -> None:
        """Store chunk after chunk and send its results, while the next one is read and parsed."""
        while (items := await parsed.get()) is not None:
            results = await _store(plane.links, items, plane.short_urls)
            async with asyncio.timeout(self._stalled_seconds):
                await send({"type": "http.response.body", "body": _ENCODER.encode_lines(results), "more_body": True})


class Lines:
    """Splits a stream of bytes into numbered lines; blank ones are counted and left out.

    A line longer than the limit is not kept: it comes out as None once its end was seen.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._number = 0
        self._rest = b""
        self._skipping = False

    @property
    def held_bytes(self) -> int:
        """How much of an unfinished line is kept: never more than the limit."""
        return len(self._rest)

    def feed(self, data: bytes) -> list[Line]:
        """The lines that `data` completes."""
        *whole, rest = (self._rest + data).split(b"\n")
        lines = [line for line in map(self._line, whole) if line is not None]
        self._rest = rest
        if len(rest) > self._limit_bytes:
            self._skipping = True
        if self._skipping:
            self._rest = b""
        return lines

    def end(self) -> list[Line]:
        """The last line, if no line feed ended it."""
        return self.feed(b"\n") if self._rest or self._skipping else []

    def _line(self, text: bytes) -> Line | None:
        self._number += 1
        if self._skipping or len(text) > self._limit_bytes:
            self._skipping = False
            return self._number, None
        return (self._number, text) if text and not text.isspace() else None


async def _chunks(receive: Receive, limit_bytes: int) -> AsyncIterator[list[Line]]:
    """The lines of a request as they come in, at most CHUNK_LINES at a time.

    Nothing waits for a chunk to fill, so that a client may wait for results before it sends more. One that
    goes away ends the request: the lines that came in whole count.
    """
    lines = Lines(limit_bytes)
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        whole = lines.feed(message.get("body", b""))
        more = message.get("more_body", False)
        if not more:
            whole += lines.end()
        for start in range(0, len(whole), CHUNK_LINES):
            yield whole[start : start + CHUNK_LINES]


def _parse(lines: Sequence[Line], plane: ControlPlane, caller: Caller) -> list[Item]:
    """Each line's link, or what is wrong with it."""
    parsed: list[Item] = []
    for number, text in lines:
        try:
            if text is None:
                raise bodies.too_large(plane.max_body_bytes)
            body = bodies.decode(_DECODER, text)
            key = body.idempotency_key
            idempotency = creating.idempotency(caller.id, key, text) if key is not None else None
            parsed.append((number, creating.new_link(plane.rules, body, caller.owner_key, idempotency)))
        except InvalidLink as exc:
            parsed.append((number, problems.of_link(exc)))
        except Problem as exc:
            parsed.append((number, exc))
    return parsed


async def _store(store: LinkStore, parsed: Sequence[Item], short_urls: ShortUrls) -> list[Result]:
    """Store the good lines in one transaction; a result for every line, in order."""
    links = [item for _, item in parsed if not isinstance(item, Problem)]
    answers: list[Added | Refused | Problem]
    try:
        answers = [*await store.add(links)] if links else []
    except StoreUnavailable as exc:
        answers = [Problem("store-unavailable", f"{exc}: send this line again later.")] * len(links)
    remaining = iter(answers)
    results: list[Result] = []
    for number, item in parsed:
        answer = item if isinstance(item, Problem) else next(remaining)
        if isinstance(answer, Added):
            brief = views.brief(answer.link, short_urls)
            results.append(BulkMade(line=number, status=201, link=brief, replayed=answer.replayed))
        else:
            results.append(_refused(number, answer, item))
    return results


def _refused(number: int, answer: Refused | Problem, item: NewLink | Problem) -> BulkRefused:
    if isinstance(answer, Refused):
        assert not isinstance(item, Problem)
        answer = creating.refusal(answer, item, key_field="idempotency_key")
    return BulkRefused(line=number, status=answer.status, problem=problems.view(answer))


OPERATION: Final = {
    "summary": "Shorten many",
    "description": (
        "Make many links: one JSON object a line in, one result a line out, in order and while you still send. "
        "Read the results while sending: a client that takes none for a minute is cut off. Blank lines are counted, "
        "and left out. Each line is its own: a bad one does not stop the others."
    ),
    "operationId": "bulk",
    **documented.request_body(
        {"type": "string", "description": "lines, each a BulkLine"},
        MEDIA_TYPE,
        example='{"url": "https://example.com/1", "alias": "one"}\n{"url": "https://example.com/2"}\n',
    ),
    "responses": {
        "200": {
            "description": "lines, each a BulkMade or a BulkRefused",
            "content": {
                MEDIA_TYPE: {
                    "schema": {"type": "string"},
                    "example": '{"line":1,"status":201,"link":{"code":"one","short_url":"https://go.example.com/one",'
                    '"target":"https://example.com/1"}}\n',
                }
            },
        },
        **documented.as_text(documented.problems("unsupported-media-type", *documented.GUARDED)),
    },
}


class OnlyPost:
    """What other methods get here, where /api/links/{code} would take `bulk` for a code; no code can be it."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raise HTTPException(405)


ROUTES: Final = [
    Route("/api/links/bulk", Bulk(), methods=["POST"]),
    Route("/api/links/bulk", OnlyPost(), include_in_schema=False),
]
