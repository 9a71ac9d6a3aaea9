"""docs/http.md as a table: what is sent, what is answered, and whether the connection closes."""

from dataclasses import dataclass
from typing import Final

from tests.engine_contract.parts import get

HOST: Final = b"Host: go.example\r\n"
GOOD: Final = get("known01")


@dataclass(frozen=True)
class Rule:
    """`request` is answered with `status`; `closes`: as its last."""

    name: str
    request: bytes
    status: int
    closes: bool


def _line(line: bytes, fields: bytes = HOST) -> bytes:
    return line + b"\r\n" + fields + b"\r\n"


def _with(*fields: bytes, line: bytes = b"GET /known01 HTTP/1.1") -> bytes:
    return _line(line, HOST + b"".join(field + b"\r\n" for field in fields))


def _line_of(length: int) -> bytes:
    """A request line of so many bytes without its CRLF."""
    return b"GET /known01?" + b"q" * (length - 22) + b" HTTP/1.1"


def _head_of(length: int) -> bytes:
    """A whole head of so many bytes."""
    return _with(b"X-Filler: " + b"f" * (length - 55))


def _field_count(count: int) -> bytes:
    return _with(*(b"X-%d: v" % number for number in range(count - 1)))


assert len(_line_of(2_048)) == 2_048
assert len(_head_of(8_192)) == 8_192

CLIENT_HELLO: Final = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"

_REFUSED: Final[list[tuple[str, bytes, int]]] = [
    # The request line.
    ("an empty line before the request", b"\r\n" + GOOD, 400),
    ("a bare LF before the request", b"\n" + GOOD, 400),
    ("a space before the method", b" " + GOOD, 400),
    ("a TLS hello", CLIENT_HELLO, 400),
    ("HTTP/0.9", b"GET /known01\r\n\r\n", 400),
    ("two spaces before the target", _line(b"GET  /known01 HTTP/1.1"), 400),
    ("two spaces before the version", _line(b"GET /known01  HTTP/1.1"), 400),
    ("a space at the end of the line", _line(b"GET /known01 HTTP/1.1 "), 400),
    ("a tab for a space", _line(b"GET\t/known01 HTTP/1.1"), 400),
    ("a space in the target", _line(b"GET /known 01 HTTP/1.1"), 400),
    ("no target", _line(b"GET HTTP/1.1"), 400),
    ("no method", _line(b"/known01 HTTP/1.1"), 400),
    ("a method that is no token", _line(b"G@T /known01 HTTP/1.1"), 400),
    ("a NUL in the method", _line(b"GE\0T /known01 HTTP/1.1"), 400),
    ("the version in lower case", _line(b"GET /known01 http/1.1"), 400),
    ("another protocol", _line(b"GET /known01 RTSP/1.0"), 400),
    ("a version of two digits", _line(b"GET /known01 HTTP/1.10"), 400),
    ("a version without its minor", _line(b"GET /known01 HTTP/1"), 400),
    ("a bare LF after the line", b"GET /known01 HTTP/1.1\n" + HOST + b"\r\n", 400),
    ("a bare CR in the line", _line(b"GET /known01\r HTTP/1.1"), 400),
    ("a second CR after the line", b"GET /known01 HTTP/1.1\r\r\n" + HOST + b"\r\n", 400),
    ("a preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    # Sizes.
    ("a line of 2,049 bytes", _line(_line_of(2_049)), 414),
    ("a line without an end", b"GET /" + b"a" * 4_000, 414),
    ("a method without an end", b"A" * 2_049, 414),
    ("a long line that is malformed first", b"GET /a b " + b"a" * 4_000, 400),
    ("a long line that is malformed too late", b"GET /" + b"a" * 2_100 + b"  HTTP/1.1\r\n\r\n", 414),
    ("a bare CR where a line of 2,048 bytes ends", _line_of(2_048) + b"\rx", 400),
    ("a bare LF where a line of 2,048 bytes ends", _line_of(2_048) + b"\nx", 400),
    ("a head of 8,193 bytes", _head_of(8_193), 431),
    ("a head without an end", b"GET /known01 HTTP/1.1\r\nX: " + b"f" * 9_000, 431),
    ("65 fields", _field_count(65), 431),
    ("65 fields without an end", _field_count(66)[:-2], 431),
    ("a head too large of an unknown version", _head_of(8_193).replace(b"HTTP/1.1", b"HTTP/2.0"), 431),
    # The version.
    ("HTTP/2.0", _line(b"GET /known01 HTTP/2.0"), 505),
    ("HTTP/1.2", _line(b"GET /known01 HTTP/1.2"), 505),
    ("HTTP/0.9 spelt out", _line(b"GET /known01 HTTP/0.9"), 505),
    ("the version before the fields", _line(b"GET /known01 HTTP/3.0", b"bad field\r\n"), 505),
    # Fields.
    ("an underscore in a name", _with(b"X_Real: 1"), 400),
    ("a space before the colon", _with(b"X-Real : 1"), 400),
    ("a tab before the colon", _with(b"X-Real\t: 1"), 400),
    ("an empty name", _with(b": 1"), 400),
    ("a field without a colon", _with(b"X-Real"), 400),
    ("a name that is no token", _with(b"X(Real): 1"), 400),
    ("a name beyond ASCII", _with(b"X-R\xe9al: 1"), 400),
    ("folding by a space", _with(b"X-Real: 1", b" 2"), 400),
    ("folding by a tab", _with(b"X-Real: 1", b"\t2"), 400),
    ("folding right after the line", _line(b"GET /known01 HTTP/1.1", b" " + HOST), 400),
    ("a bare LF between fields", _with(b"X-Real: 1\nX-More: 2"), 400),
    ("a bare CR in a value", _with(b"X-Real: 1\r2"), 400),
    ("a NUL in a value", _with(b"X-Real: 1\x002"), 400),
    ("a DEL in a value", _with(b"X-Real: \x7f"), 400),
    ("an escape in a value", _with(b"X-Real: \x1b[0m"), 400),
    ("a bare LF for the last line end", b"GET /known01 HTTP/1.1\r\n" + HOST + b"\n\r\n\r\n", 400),
    # The target's bytes.
    ("a fragment", _line(b"GET /known01#top HTTP/1.1"), 400),
    ("a backslash", _line(b"GET /known01\\ HTTP/1.1"), 400),
    ("a target beyond ASCII", _line(b"GET /k\xc3\xbc HTTP/1.1"), 400),
    ("a control byte in the target", _line(b"GET /known01\x01 HTTP/1.1"), 400),
    ("a tab in the target", _line(b"GET /known01\t HTTP/1.1"), 400),
    ("a DEL in the target", _line(b"GET /known01\x7f HTTP/1.1"), 400),
    ("a fragment in the query", _line(b"GET /known01?a#b HTTP/1.1"), 400),
    # Host.
    ("no Host", _line(b"GET /known01 HTTP/1.1", b""), 400),
    ("two Hosts", _with(b"Host: go.example"), 400),
    ("two Hosts in 1.0", _with(b"Host: go.example", line=b"GET /known01 HTTP/1.0"), 400),
    ("an empty Host", _line(b"GET /known01 HTTP/1.1", b"Host:\r\n"), 400),
    ("a bad Host in 1.0", _line(b"GET /known01 HTTP/1.0", b"Host: a b\r\n"), 400),
    ("a Host with user information", _line(b"GET /known01 HTTP/1.1", b"Host: me@go.example\r\n"), 400),
    ("a Host with a path", _line(b"GET /known01 HTTP/1.1", b"Host: go.example/a\r\n"), 400),
    ("a Host with two ports", _line(b"GET /known01 HTTP/1.1", b"Host: go.example:80:80\r\n"), 400),
    ("a Host with a port that is none", _line(b"GET /known01 HTTP/1.1", b"Host: go.example:x\r\n"), 400),
    ("a Host with an empty port", _line(b"GET /known01 HTTP/1.1", b"Host: go.example:\r\n"), 400),
    ("two Hosts in one", _line(b"GET /known01 HTTP/1.1", b"Host: a.example, b.example\r\n"), 400),
    ("a Host with an open bracket", _line(b"GET /known01 HTTP/1.1", b"Host: [::1\r\n"), 400),
    # Absolute form.
    ("an absolute form of another host", _line(b"GET http://other.example/known01 HTTP/1.1"), 400),
    ("an absolute form of another port", _line(b"GET http://go.example:81/known01 HTTP/1.1"), 400),
    ("an absolute form with user information", _line(b"GET http://me@go.example/known01 HTTP/1.1"), 400),
    ("an absolute form of another scheme", _line(b"GET ftp://go.example/known01 HTTP/1.1"), 400),
    ("an absolute form without a Host", _line(b"GET http://go.example/known01 HTTP/1.0", b""), 400),
    # What could be a body.
    ("chunked", _with(b"Transfer-Encoding: chunked"), 400),
    ("chunked by an unknown method", _with(b"Transfer-Encoding: chunked", line=b"BREW /known01 HTTP/1.1"), 400),
    ("an empty Transfer-Encoding", _with(b"Transfer-Encoding:"), 400),
    ("Transfer-Encoding with Content-Length", _with(b"Content-Length: 3", b"Transfer-Encoding: chunked"), 400),
    ("Transfer-Encoding in 1.0", _with(b"Transfer-Encoding: identity", line=b"GET /known01 HTTP/1.0"), 400),
    ("a Content-Length that is no number", _with(b"Content-Length: x"), 400),
    ("a signed Content-Length", _with(b"Content-Length: +0"), 400),
    ("a hexadecimal Content-Length", _with(b"Content-Length: 0x0"), 400),
    ("an empty Content-Length", _with(b"Content-Length:"), 400),
    ("a list of Content-Lengths", _with(b"Content-Length: 0, 0"), 400),
    ("two Content-Lengths that differ", _with(b"Content-Length: 0", b"Content-Length: 1"), 400),
    ("a malformed Content-Length of a POST", _with(b"Content-Length: -1", line=b"POST /known01 HTTP/1.1"), 400),
    ("two equal Content-Lengths", _with(b"Content-Length: 0", b"content-length: 0"), 413),
    ("a body", _with(b"Content-Length: 5") + b"hello", 413),
    ("a body that is a request", _with(b"Content-Length: %d" % len(GOOD)), 413),
    ("a zero written twice", _with(b"Content-Length: 00"), 413),
    ("a Content-Length past all integers", _with(b"Content-Length: " + b"9" * 40), 413),
    ("a body of OPTIONS", _with(b"Content-Length: 5", line=b"OPTIONS * HTTP/1.1"), 413),
    # Methods.
    ("an unknown method", _line(b"BREW /known01 HTTP/1.1"), 501),
    ("a method in lower case", _line(b"get /known01 HTTP/1.1"), 501),
    ("an unknown method of everything", _line(b"BREW * HTTP/1.1"), 501),
    ("CONNECT", _line(b"CONNECT go.example:443 HTTP/1.1"), 400),
    ("GET of everything", _line(b"GET * HTTP/1.1"), 400),
    ("POST of everything", _line(b"POST * HTTP/1.1"), 400),
    ("POST", _line(b"POST /known01 HTTP/1.1"), 405),
    ("POST with a body", _with(b"Content-Length: 5", line=b"POST /known01 HTTP/1.1"), 405),
    ("PUT", _line(b"PUT /known01 HTTP/1.1"), 405),
    ("PATCH", _line(b"PATCH /known01 HTTP/1.1"), 405),
    ("DELETE", _line(b"DELETE /known01 HTTP/1.1"), 405),
    ("TRACE", _line(b"TRACE /known01 HTTP/1.1"), 405),
    # Expect.
    ("100-continue", _with(b"Expect: 100-continue"), 417),
    ("100-continue with a body", _with(b"Expect: 100-continue", b"Content-Length: 5"), 413),
    ("some other expectation", _with(b"Expect: kindness"), 417),
    ("an expectation of OPTIONS", _with(b"Expect: 100-continue", line=b"OPTIONS * HTTP/1.1"), 417),
]

_ANSWERED: Final[list[tuple[str, bytes, int]]] = [
    ("a known code", GOOD, 302),
    ("a HEAD of a known code", get("known01", method="HEAD"), 302),
    ("a query", _line(b"GET /known01?a=b&c=%20d HTTP/1.1"), 302),
    ("an empty query", _line(b"GET /known01? HTTP/1.1"), 302),
    ("an absolute form", _line(b"GET http://go.example/known01 HTTP/1.1"), 302),
    ("an absolute form without case", _line(b"GET HTTPS://GO.example/known01 HTTP/1.1"), 302),
    ("an absolute form with a port", _line(b"GET http://h:81/known01 HTTP/1.1", b"Host: h:81\r\n"), 302),
    ("an absolute form without a path", _line(b"GET http://go.example HTTP/1.1"), 200),
    ("an absolute form with nothing but a query", _line(b"GET http://go.example?a HTTP/1.1"), 200),
    ("a Host in IPv6", _line(b"GET /known01 HTTP/1.1", b"Host: [2001:db8::1]:8080\r\n"), 302),
    ("a Host in IPv4", _line(b"GET /known01 HTTP/1.1", b"hOST:127.0.0.1:8080\r\n"), 302),
    ("a line of 2,048 bytes", _line(_line_of(2_048)), 302),
    ("a head of 8,192 bytes", _head_of(8_192), 302),
    ("64 fields", _field_count(64), 302),
    ("an empty value", _with(b"X-Real:"), 302),
    ("a tab in a value", _with(b"X-Real:\t1\t2\t"), 302),
    ("a value beyond ASCII", _with(b"X-Real: \xe9\xff"), 302),
    ("all characters of a token", _with(b"!#$%&'*+-.^`|~09azAZ: 1"), 302),
    ("a plain Content-Length", _with(b"Content-Length: 0"), 302),
    ("OPTIONS of everything", _line(b"OPTIONS * HTTP/1.1"), 204),
    ("OPTIONS of a code", _line(b"OPTIONS /known01 HTTP/1.1"), 204),
    ("the root", _line(b"GET / HTTP/1.1"), 200),
    ("the root with a query", _line(b"GET /?utm=1 HTTP/1.1"), 200),
    ("robots.txt", _line(b"GET /robots.txt HTTP/1.1"), 200),
    ("the icon", _line(b"GET /favicon.ico HTTP/1.1"), 204),
    ("healthz", _line(b"GET /healthz HTTP/1.1"), 200),
    ("a HEAD of healthz", _line(b"HEAD /healthz HTTP/1.1"), 200),
    ("an unknown code", get("nowhere"), 404),
    ("a HEAD of an unknown code", get("nowhere", method="HEAD"), 404),
    ("a code with a final slash", _line(b"GET /known01/ HTTP/1.1"), 404),
    ("a code in another case", _line(b"GET /KNOWN01 HTTP/1.1"), 404),
    ("a code that is escaped", _line(b"GET /known0%31 HTTP/1.1"), 404),
    ("two slashes", _line(b"GET //known01 HTTP/1.1"), 404),
    ("a path with dots", _line(b"GET /a/../known01 HTTP/1.1"), 404),
    ("a path without a slash", _line(b"GET known01 HTTP/1.1"), 404),
    ("an alias of 65 characters", get("a" * 65), 404),
    ("a code with a dot", get("known01.html"), 404),
    ("the path of a domain's link", _line(b"GET /go.example/known01 HTTP/1.1"), 404),
]

_CLOSING: Final[list[tuple[str, bytes, int]]] = [
    ("1.0", get("known01", version="HTTP/1.0"), 302),
    ("1.0 without a Host", _line(b"GET /known01 HTTP/1.0", b""), 302),
    ("1.0 that asks for both", get("known01", "Connection: keep-alive, close", version="HTTP/1.0"), 302),
    ("1.1 that closes", get("known01", "Connection: close"), 302),
    ("close in a list", get("known01", "Connection: Foo , ClOsE"), 302),
    ("close in a second field", get("known01", "Connection: keep-alive", "Connection: close"), 302),
    ("an upgrade", get("known01", "Connection: Upgrade", "Upgrade: websocket"), 302),
    ("an upgrade to HTTP/2", get("nowhere", "Upgrade: h2c"), 404),
]

_KEPT: Final[list[tuple[str, bytes, int]]] = [
    ("1.0 that is kept", get("known01", "Connection: Keep-Alive", version="HTTP/1.0"), 302),
    ("1.1 that says so", get("known01", "Connection: keep-alive"), 302),
    ("some other option", get("known01", "Connection: closed"), 302),
]

RULES: Final = [
    *(Rule(name, request, status, closes=True) for name, request, status in _REFUSED + _CLOSING),
    *(Rule(name, request, status, closes=False) for name, request, status in _ANSWERED + _KEPT),
]
