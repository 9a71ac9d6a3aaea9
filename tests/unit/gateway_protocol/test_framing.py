"""Where a head ends, or is refused, never depends on how it was cut."""

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.engines.contract import MAX_HEAD_BYTES
from gateway.http.framing import EarlyRefusal, Head, HeadFinder

PIECES = st.sampled_from(
    [b"GET /a HTTP/1.1\r\n", b"Host: a\r\n", b"\r\n", b"\r", b"\n", b"X: y", b"X: y\r\n" * 40, b"f" * 2_030, b" ", b"/"]
)
STREAMS = st.lists(PIECES, max_size=12).map(b"".join)


def cut(stream: bytes, places: list[int]) -> Head | EarlyRefusal | None:
    """The verdict on a stream that grows at these places."""
    finder = HeadFinder()
    for end in sorted(place % (len(stream) + 1) for place in places):
        if found := finder.find(stream[:end], 0):
            return found
    return finder.find(stream, 0)


@settings(max_examples=400)
@given(STREAMS, st.lists(st.integers(0, 20_000), max_size=6))
def test_the_verdict_is_the_same_however_the_stream_was_cut(stream: bytes, places: list[int]) -> None:
    whole = HeadFinder().find(stream, 0)
    in_pieces = cut(stream, places)
    assert in_pieces == whole
    if isinstance(whole, Head):
        assert whole.end <= MAX_HEAD_BYTES
        assert stream[: whole.end].endswith(b"\r\n\r\n")


@given(STREAMS)
def test_a_head_is_found_alike_wherever_it_begins(stream: bytes) -> None:
    at_start, behind = HeadFinder().find(stream, 0), HeadFinder().find(b"x" * 37 + stream, 37)
    if isinstance(at_start, Head):
        assert isinstance(behind, Head)
        assert (at_start.line, at_start.fields, at_start.end + 37) == behind
    else:
        assert behind == at_start


def test_one_finder_finds_head_after_head() -> None:
    finder = HeadFinder()
    stream = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.0\r\n\r\nGET"
    first = finder.find(stream, 0)
    assert isinstance(first, Head)
    second = finder.find(stream, first.end)
    assert isinstance(second, Head)
    assert (first.line.target, first.fields, second.line.target, second.fields) == (b"/a", b"Host: a\r\n", b"/b", b"")
    assert finder.find(stream, second.end) is None
