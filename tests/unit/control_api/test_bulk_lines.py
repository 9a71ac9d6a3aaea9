"""How a stream is split into numbered lines, whatever the reads deliver."""

import pytest

from control_api.routes.bulk import Line, Lines

LIMIT = 10


def split(*reads: bytes) -> list[Line]:
    lines = Lines(LIMIT)
    found = [line for read in reads for line in lines.feed(read)]
    return found + lines.end()


def test_lines_are_numbered_from_one() -> None:
    assert split(b"a\nb\n") == [(1, b"a"), (2, b"b")]


def test_the_last_line_needs_no_line_feed() -> None:
    assert split(b"a\nb") == [(1, b"a"), (2, b"b")]


def test_blank_lines_are_counted_and_left_out() -> None:
    assert split(b"\n  \na\n\r\nb\r\n") == [(3, b"a"), (5, b"b\r")]


def test_an_empty_stream_has_no_lines() -> None:
    assert split() == split(b"") == []


def test_a_line_over_the_limit_is_named_and_does_not_harm_the_next() -> None:
    assert split(b"a\n" + b"x" * 11 + b"\nb\n") == [(1, b"a"), (2, None), (3, b"b")]


def test_a_line_as_long_as_the_limit_is_kept() -> None:
    assert split(b"x" * LIMIT + b"\n", b"y" * LIMIT) == [(1, b"x" * LIMIT), (2, b"y" * LIMIT)]


def test_an_endless_line_is_not_kept_in_memory() -> None:
    lines = Lines(LIMIT)
    assert [lines.feed(b"x" * 1_000) for _ in range(1_000)] == [[]] * 1_000
    assert lines.held_bytes <= LIMIT
    assert lines.feed(b"\nb\n") == [(1, None), (2, b"b")]
    assert split(b"x" * 1_000) == [(1, None)]


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_reads_may_end_anywhere(size: int) -> None:
    stream = b"a\n\n" + b"x" * 25 + b"\nbc\n" + b"y" * 11
    reads = [stream[at : at + size] for at in range(0, len(stream), size)]
    assert split(*reads) == split(stream) == [(1, b"a"), (3, None), (4, b"bc"), (5, None)]
