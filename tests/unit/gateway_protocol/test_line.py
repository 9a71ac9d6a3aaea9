"""The request line: what is one, and from which byte on something is none."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.http.line import RequestLine, can_be_line, parse_line

TOKENS = st.from_regex(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,12}", fullmatch=True)
TARGETS = st.binary(min_size=1, max_size=30).map(lambda raw: raw.translate(None, b" \r\n") or b"/")
# Bytes that come near to a line more often than random ones do.
NEARLY = st.lists(
    st.sampled_from([b"GET", b" ", b"/", b"HTTP/1.1", b"HTTP", b"/1", b".", b"1", b"\r", b"\n", b"\0", b"\xff", b"x"]),
    max_size=9,
).map(b"".join)


@given(TOKENS, TARGETS, st.integers(0, 9), st.integers(0, 9))
def test_a_line_is_understood_and_so_is_each_of_its_beginnings(
    method: bytes, target: bytes, major: int, minor: int
) -> None:
    line = b"%b %b HTTP/%d.%d" % (method, target, major, minor)
    assert parse_line(line) == RequestLine(method, target, b"%d.%d" % (major, minor))
    assert all(can_be_line((line + b"\r\n")[:end]) for end in range(len(line) + 3))


@given(NEARLY)
def test_what_can_be_no_line_never_becomes_one(data: bytes) -> None:
    verdicts = [can_be_line(data[:end]) for end in range(len(data) + 1)]
    assert verdicts == sorted(verdicts, reverse=True), "once lost, always lost"
    assert (parse_line(data) is not None) <= can_be_line(data + b"\r\n")


@given(NEARLY)
def test_a_whole_line_that_can_be_one_is_one(data: bytes) -> None:
    if b"\r\n" not in data:
        assert can_be_line(data + b"\r\n") == (parse_line(data) is not None)


@given(st.binary(max_size=40))
def test_any_bytes_get_a_verdict(data: bytes) -> None:
    assert (parse_line(data) is not None) <= can_be_line(data)
