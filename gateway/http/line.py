"""The request line: whether bytes can still become one, and what a whole one says."""

import re
from typing import Final, NamedTuple

TOKEN: Final = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]"  # RFC 9110 §5.6.2


class RequestLine(NamedTuple):
    """A well-formed line; neither method nor version need be known ones."""

    method: bytes
    target: bytes
    version: bytes  # "1.1"


def parse_line(line: bytes) -> RequestLine | None:
    """What `METHOD SP target SP HTTP/d.d` says (RFC 9112 §3, without its leniencies); None: it is no such line."""
    match = _LINE(line)
    return RequestLine(*match.groups()) if match else None


def can_be_line(start: bytes) -> bool:
    """True while `start` is the beginning of some well-formed line and its CRLF.

    So a TLS hello, an empty line, a bare CR or LF and a second space are seen at their first byte.
    """
    method, space, after = start.partition(b" ")
    if not space:
        return _METHOD_START(method) is not None
    target, space, version = after.partition(b" ")
    if not _METHOD(method) or not _TARGET_START(target) or (space and not target):
        return False
    return b"HTTP/0.0\r\n".startswith(version.translate(_ANY_DIGIT))


_LINE: Final = re.compile(b"(" + TOKEN + rb"+) ([^ \r\n]+) HTTP/([0-9]\.[0-9])").fullmatch
_METHOD: Final = re.compile(TOKEN + b"+").fullmatch
_METHOD_START: Final = re.compile(TOKEN + b"*").fullmatch
_TARGET_START: Final = re.compile(rb"[^ \r\n]*").fullmatch
_ANY_DIGIT: Final = bytes.maketrans(b"123456789", b"000000000")
