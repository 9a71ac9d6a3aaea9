"""A whole head: the request it makes, or the refusal it gets, in the order that docs/http.md states."""

import enum
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from gateway.http import answers
from gateway.http.answers import Answer
from gateway.http.fields import Fields, parse_fields
from gateway.http.line import RequestLine


class Persistence(enum.IntEnum):
    """What a reply says about its connection."""

    OPEN = 0  # nothing: HTTP/1.1 stays open
    CLOSE = 1  # `Connection: close`
    KEPT = 2  # `Connection: keep-alive`, echoed to an HTTP/1.0 client that asked for it


@dataclass(frozen=True, slots=True)
class Refusal:
    """The request is answered with an error, and its connection is closed. `head`: it was a HEAD, so without body."""

    answer: Answer
    head: bool


@dataclass(frozen=True, slots=True)
class Request:
    """A request that is understood: GET, HEAD or OPTIONS.

    Attributes:
        method: one of those three.
        path: where its target leads, without the query; `*` for OPTIONS.
        query: what stands behind the first `?`; empty if absent.
        persistence: what the reply says about the connection.
        fields: what else the head says.
    """

    method: bytes
    path: bytes
    query: bytes
    persistence: Persistence
    fields: Fields

    @property
    def is_head(self) -> bool:
        return self.method == b"HEAD"


def parse_head(line: RequestLine, block: bytes) -> Request | Refusal:
    """Judge a head whose line and size are in order. `block`: its fields, each with its CRLF."""
    if line.version not in _VERSIONS:
        return _refusal(answers.VERSION_NOT_SUPPORTED, line)
    fields = parse_fields(block)
    if fields is None:
        return _refusal(answers.BAD_REQUEST, line)
    for broken, answer in _CHECKS:
        if broken(line, fields):
            return _refusal(answer, line)
    path, _, query = _origin_form(line.target).partition(b"?")
    return Request(line.method, path, query, _persistence(line, fields), fields)


def refuse_early(answer: Answer, line: RequestLine | None) -> Refusal:
    """A refusal of a head that is not whole; without its line nobody knows whether it is a HEAD."""
    return Refusal(answer, line is not None and line.method == b"HEAD")


def _refusal(answer: Answer, line: RequestLine) -> Refusal:
    return Refusal(answer, line.method == b"HEAD")


def _target_is_strange(line: RequestLine, fields: Fields) -> bool:
    return _TARGET(line.target) is None


def _host_is_wrong(line: RequestLine, fields: Fields) -> bool:
    """RFC 9112 §3.2: exactly one Host; 1.0 may go without."""
    if fields.host_count == 0:
        return line.version != b"1.0"
    return fields.host_count > 1 or fields.authority is None


def _authority_differs(line: RequestLine, fields: Fields) -> bool:
    """An absolute-form target must name the host that Host names, and a scheme that we serve."""
    absolute = _ABSOLUTE(line.target)
    if absolute is None:
        return False
    return absolute["scheme"].lower() not in (b"http", b"https") or absolute["authority"].lower() != fields.authority


def _is_connect_or_misplaced_star(line: RequestLine, fields: Fields) -> bool:
    return line.method == b"CONNECT" or (line.target == b"*" and line.method != b"OPTIONS")


_SERVED: Final[frozenset[bytes]] = frozenset({b"GET", b"HEAD", b"OPTIONS"})
_KNOWN: Final[frozenset[bytes]] = _SERVED | {b"POST", b"PUT", b"PATCH", b"DELETE", b"TRACE", b"CONNECT"}

# The table of docs/http.md from the target's bytes on: the first check that fails answers.
_CHECKS: Final[tuple[tuple[Callable[[RequestLine, Fields], bool], Answer], ...]] = (
    (_target_is_strange, answers.BAD_REQUEST),
    (_host_is_wrong, answers.BAD_REQUEST),
    (_authority_differs, answers.BAD_REQUEST),
    (lambda line, fields: fields.transfer_encoding, answers.BAD_REQUEST),
    (lambda line, fields: fields.length_malformed, answers.BAD_REQUEST),
    (lambda line, fields: line.method not in _KNOWN, answers.NOT_IMPLEMENTED),
    (_is_connect_or_misplaced_star, answers.BAD_REQUEST),
    (lambda line, fields: line.method not in _SERVED, answers.METHOD_NOT_ALLOWED),
    (lambda line, fields: fields.has_body, answers.CONTENT_TOO_LARGE),
    (lambda line, fields: fields.expects, answers.EXPECTATION_FAILED),
)


def _origin_form(target: bytes) -> bytes:
    """The target from its path on."""
    absolute = _ABSOLUTE(target)
    if absolute is None:
        return target
    rest: bytes = absolute["rest"] or b"/"
    return rest if rest.startswith(b"/") else b"/" + rest


def _persistence(line: RequestLine, fields: Fields) -> Persistence:
    """RFC 9112 §9.3; a client that wants to upgrade expects no more HTTP on this connection."""
    if fields.close or fields.upgrades:
        return Persistence.CLOSE
    if line.version == b"1.1":
        return Persistence.OPEN
    return Persistence.KEPT if fields.keep_alive else Persistence.CLOSE


_VERSIONS: Final = (b"1.1", b"1.0")
_TARGET: Final = re.compile(rb"[!\"$-\[\]-~]+").fullmatch  # 0x21-0x7E but `#` and `\`
_ABSOLUTE: Final = re.compile(
    rb"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<authority>[^/?]*)(?P<rest>[/?].*)?", re.DOTALL
).fullmatch
