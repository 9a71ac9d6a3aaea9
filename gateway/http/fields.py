"""The fields of a head: all that the edge wants to know of them, read once and judged in the table's order."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import httptools

from gateway.http.line import TOKEN


@dataclass(frozen=True, slots=True)
class Fields:
    """What the fields of one head say. Whether that is allowed depends on the line too: `head.parse_head` decides.

    Attributes:
        host_count: how many Host fields there are.
        authority: the Host as sent, in lower case; None: absent, or not a host[:port].
        host: the same without its port.
        transfer_encoding: there is some.
        length_malformed: Content-Length is no number, or two differ.
        has_body: there is a Content-Length that is not a single plain `0`.
        expects: there is an Expect.
        upgrades: there is an Upgrade.
        close: Connection names `close`.
        keep_alive: Connection names `keep-alive`.
        prefetch: Sec-Purpose or one of its forerunners says that nobody may ever look at the answer.
        untracked: DNT or Sec-GPC asks not to be tracked.
        referrer: Referer; empty if absent, as the next two.
        user_agent: User-Agent.
        language: Accept-Language.
        forwarded_for: X-Forwarded-For, several joined by commas; None: absent.
        forwarded: Forwarded (RFC 7239), joined likewise; None: absent.
    """

    host_count: int
    authority: bytes | None
    host: bytes | None
    transfer_encoding: bool
    length_malformed: bool
    has_body: bool
    expects: bool
    upgrades: bool
    close: bool
    keep_alive: bool
    prefetch: bool
    untracked: bool
    referrer: bytes
    user_agent: bytes
    language: bytes
    forwarded_for: bytes | None
    forwarded: bytes | None


@lru_cache(maxsize=512)  # a client repeats its fields; one of 8 KiB each, so at most some MiB
def parse_fields(block: bytes) -> Fields | None:
    """Read the fields, each ended by CRLF. None: a name, a value or a line end breaks a rule (400)."""
    if not _WELL_FORMED(block):
        return None
    framing = [(name.lower(), value) for name, value in _FRAMING.findall(block)]
    lengths = [value for name, value in framing if name == b"content-length"]
    named = _collect(_FRAMING.sub(b"", block))
    if named is None:
        return None
    options = _tokens(named.get(b"connection", []))
    hosts = named.get(b"host", [])
    authority = _HOST(hosts[0]) if hosts else None
    return Fields(
        host_count=len(hosts),
        authority=authority[0].lower() if authority else None,
        host=authority["host"].lower() if authority else None,
        transfer_encoding=len(framing) > len(lengths),
        length_malformed=any(not _LENGTH(value) for value in lengths) or len(set(lengths)) > 1,
        has_body=lengths not in ([], [b"0"]),
        expects=b"expect" in named,
        upgrades=b"upgrade" in named,
        close=b"close" in options,
        keep_alive=b"keep-alive" in options,
        prefetch=_is_ahead(named),
        untracked=b"1" in [*named.get(b"dnt", []), *named.get(b"sec-gpc", [])],
        referrer=_first(named, b"referer"),
        user_agent=_first(named, b"user-agent"),
        language=_first(named, b"accept-language"),
        forwarded_for=_joined(named, b"x-forwarded-for"),
        forwarded=_joined(named, b"forwarded"),
    )


class _Collector:
    """Takes fields from httptools, by lower-case name."""

    def __init__(self) -> None:
        self.named: dict[bytes, list[bytes]] = {}

    def on_header(self, name: bytes, value: bytes) -> None:
        self.named.setdefault(name.lower(), []).append(value.strip(b" \t"))


def _collect(block: bytes) -> dict[bytes, list[bytes]] | None:
    """Values by lower-case name, as httptools splits them; None: it refuses what `_WELL_FORMED` let pass."""
    collector = _Collector()
    try:
        httptools.HttpRequestParser(collector).feed_data(b"GET / HTTP/1.1\r\n%b\r\n" % block)
    except httptools.HttpParserUpgrade:
        pass  # it wants to leave HTTP, and has given us all fields; we stay
    except httptools.HttpParserError:
        return None
    return collector.named


def _first(named: dict[bytes, list[bytes]], name: bytes) -> bytes:
    return named.get(name, [b""])[0]


def _joined(named: dict[bytes, list[bytes]], name: bytes) -> bytes | None:
    """A list field that came in several lines is one list (RFC 9110 §5.3)."""
    values = named.get(name)
    return b",".join(values) if values else None


def _tokens(values: list[bytes], separators: bytes = b",") -> set[bytes]:
    joined = b",".join(values).translate(bytes.maketrans(separators, b"," * len(separators)))
    return {token.strip(b" \t").lower() for token in joined.split(b",")}


def _is_ahead(named: dict[bytes, list[bytes]]) -> bool:
    """Sec-Purpose (Fetch standard: `prefetch`, `prefetch;prerender`), or what browsers sent before: Purpose, Firefox's
    X-Moz (`prefetch`), and X-Purpose of Safari, which loads pages for their pictures (`preview`).
    """
    values = [value for name in _PURPOSES for value in named.get(name, [])]
    return not _tokens(values, b",;").isdisjoint((b"prefetch", b"preview"))


_PURPOSES: Final = (b"sec-purpose", b"purpose", b"x-moz", b"x-purpose")
# Names: tokens without `_`, which CGI-like programs behind proxies confuse with `-`. Values: no control byte but the
# tab (RFC 9110 §5.5); so no bare CR or LF, and no folding, since a line can't begin with a space.
_NAME: Final = TOKEN.replace(b"_", b"")
_WELL_FORMED: Final = re.compile(rb"(?:" + _NAME + rb"+:[^\x00-\x08\x0a-\x1f\x7f]*\r\n)*").fullmatch
# Judged by us alone, and taken out before httptools sees them: it would act on them, while no body is ever read here.
_FRAMING: Final = re.compile(rb"(?im)^(content-length|transfer-encoding):[ \t]*(.*?)[ \t]*\r\n")
_LENGTH: Final = re.compile(rb"[0-9]+").fullmatch
# RFC 9110 §7.2, narrowed to what hosts are: a name, an IPv4 address, or an IPv6 address in brackets.
_HOST: Final = re.compile(rb"(?P<host>[0-9A-Za-z._-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?").fullmatch
