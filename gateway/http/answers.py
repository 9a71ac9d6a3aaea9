"""Every answer that is no redirect, made once."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

ALLOW: Final = b"Allow: GET, HEAD, OPTIONS\r\n"
RETRY_SECONDS: Final = 1  # of a 503: the store is asked again at once, so a visitor may be back soon


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply but for its first lines (status, Date, Connection …).

    Attributes:
        status: the status code.
        rest: the fields from here on, the empty line and the body.
        rest_of_head: the same without the body, for HEAD (RFC 9110 §9.3.2).
    """

    status: int
    rest: bytes
    rest_of_head: bytes


def answer(status: int, body: str = "", *, fields: bytes = b"", cache_control: str = "no-store") -> Answer:
    """An answer with a body of plain text; 204 has neither body nor Content-Length (RFC 9110 §8.6)."""
    content = body.encode()
    head = fields + b"Cache-Control: %b\r\n" % cache_control.encode()
    if status != HTTPStatus.NO_CONTENT:
        head += b"Content-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\n" % len(content)
    head += b"\r\n"
    return Answer(status, head + content, head)


def error(status: int, fields: bytes = b"") -> Answer:
    """An error: its body is the phrase of its status, never anything of the request."""
    return answer(status, PHRASES[status] + "\n", fields=fields)


def too_many_unknown(retry_after_seconds: int) -> Answer:
    """429: the client's network asked for too many unknown codes."""
    return error(429, b"Retry-After: %d\r\n" % retry_after_seconds)


# RFC 9110's phrases: http.HTTPStatus changes some of them from one Python release to the next.
PHRASES: Final = {status.value: status.phrase for status in HTTPStatus} | {
    413: "Content Too Large",
    414: "URI Too Long",
    431: "Request Header Fields Too Large",
}
STATUS_LINES: Final = {
    status: b"HTTP/1.1 %d %b\r\n" % (status, phrase.encode("ascii")) for status, phrase in PHRASES.items()
}

BAD_REQUEST: Final = error(400)
NOT_FOUND: Final = error(404)
METHOD_NOT_ALLOWED: Final = error(405, ALLOW)
REQUEST_TIMEOUT: Final = error(408)
GONE: Final = error(410)
CONTENT_TOO_LARGE: Final = error(413)
URI_TOO_LONG: Final = error(414)
EXPECTATION_FAILED: Final = error(417)
HEAD_TOO_LARGE: Final = error(431)
INTERNAL_ERROR: Final = error(500)
NOT_IMPLEMENTED: Final = error(501)
UNAVAILABLE: Final = error(503, b"Retry-After: %d\r\n" % RETRY_SECONDS)
VERSION_NOT_SUPPORTED: Final = error(505)

OPTIONS: Final = answer(204, fields=ALLOW)

# What the edge answers for itself, by path. Robots are let in: link previews come from robots that keep to this file.
FIXED: Final = {
    b"/": answer(200, "edge302: a short-link service\n", cache_control="public, max-age=3600"),
    b"/robots.txt": answer(200, "User-agent: *\nDisallow:\n", cache_control="public, max-age=86400"),
    b"/favicon.ico": answer(204, cache_control="public, max-age=86400"),
    b"/healthz": answer(200, "ok\n"),
}
