"""The fields of a head: read alike by us and by httptools, or refused."""

import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.http.fields import parse_fields

NAMES = st.sampled_from(
    [b"Host", b"hOST", b"Connection", b"Content-Length", b"Transfer-Encoding", b"Expect", b"Upgrade", b"Referer",
     b"User-Agent", b"Accept-Language", b"Sec-Purpose", b"X-Forwarded-For", b"Cookie", b"Keep-Alive", b"X_Y", b""]
)  # fmt: skip
VALUES = st.one_of(
    st.sampled_from([b"0", b"5", b"a.example", b"close", b"keep-alive, close", b"chunked", b"websocket", b"prefetch"]),
    st.binary(max_size=12),
)
BLOCKS = st.lists(st.tuples(NAMES, VALUES), max_size=6).map(
    lambda fields: b"".join(b"%b: %b\r\n" % field for field in fields)
)


class Collected(dict[bytes, list[bytes]]):
    def on_header(self, name: bytes, value: bytes) -> None:
        self.setdefault(name.lower(), []).append(value)


@given(BLOCKS)
def test_any_block_is_read_or_refused(block: bytes) -> None:
    fields = parse_fields(block)
    if fields is not None:
        assert b"\n" not in block.replace(b"\r\n", b"")
        assert b"_" not in b"".join(line.partition(b":")[0] for line in block.split(b"\r\n"))


@given(BLOCKS)
def test_what_is_read_is_what_httptools_reads(block: bytes) -> None:
    fields = parse_fields(block)
    collected = Collected()
    try:
        httptools.HttpRequestParser(collected).feed_data(b"GET / HTTP/1.1\r\n" + block + b"\r\n")
    except httptools.HttpParserUpgrade:
        pass
    except httptools.HttpParserError:
        return  # it refuses, for Content-Length's sake, what we judge ourselves
    if fields is not None:
        assert fields.host_count == len(collected.get(b"host", []))
        assert fields.transfer_encoding == (b"transfer-encoding" in collected)
        assert fields.expects == (b"expect" in collected)
        assert fields.user_agent == collected.get(b"user-agent", [b""])[0].strip(b" \t")


@pytest.mark.parametrize(
    ("value", "host"),
    [
        (b"Go.Example", b"go.example"),
        (b"go.example:8080", b"go.example"),
        (b"127.0.0.1:1", b"127.0.0.1"),
        (b"[::1]", b"[::1]"),
        (b"[2001:DB8::1]:443", b"[2001:db8::1]"),
        (b"under_score", b"under_score"),
        (b"", None),
        (b":80", None),
        (b"go.example:", None),
        (b"go.example:123456", None),
        (b"go example", None),
        (b"go.example/", None),
        (b"go%2eexample", None),
        (b"me@go.example", None),
        (b"[::1", None),
        (b"::1", None),
        (b"g\xc3\xb6.example", None),
        (b"a" * 256, None),
    ],
)
def test_what_is_a_host(value: bytes, host: bytes | None) -> None:
    fields = parse_fields(b"Host: %b\r\n" % value)
    assert fields is not None
    assert fields.host == host
    assert (fields.authority is None) == (host is None)
