"""Where a head ends in a stream of bytes, and when it is refused before that.

The verdict on a stream never depends on how it was cut into reads: each check asks for the first byte at
which it is decided.
"""

from typing import Final, NamedTuple

from gateway.engines.contract import MAX_FIELDS, MAX_HEAD_BYTES, MAX_REQUEST_LINE_BYTES
from gateway.http.answers import BAD_REQUEST, HEAD_TOO_LARGE, URI_TOO_LONG, Answer
from gateway.http.line import RequestLine, can_be_line, parse_line


class Head(NamedTuple):
    """A whole head: its parsed line, and its fields, each with its CRLF; `end` is the first byte after it."""

    line: RequestLine
    fields: bytes
    end: int


class EarlyRefusal(NamedTuple):
    """A head that is refused before it ends; `line` is None when not even that was well-formed."""

    answer: Answer
    line: RequestLine | None


class HeadFinder:
    """Looks for the end of one head after another, and searches no byte twice when a head comes in pieces."""

    __slots__ = ("_counted", "_field_count", "_fields_at", "_line", "_searched")

    def __init__(self) -> None:
        self._start_over()

    @property
    def line(self) -> RequestLine | None:
        """The line of the unfinished head, once it is complete."""
        return self._line

    def find(self, data: bytes, start: int) -> Head | EarlyRefusal | None:
        """The head that begins at `start`; None: it goes on after the end of `data`.

        After None the next call must get the same head, from its start, with more bytes behind.
        """
        if self._line is None and (refused := self._find_line(data, start)):
            return refused
        line = self._line
        if line is None:
            return None
        end = self._find_end(data, start)
        if end == _TOO_LARGE:
            return EarlyRefusal(HEAD_TOO_LARGE, line)
        if end == _NOT_YET:
            return None
        head = Head(line, data[start + self._fields_at : end - 2], end)
        self._start_over()
        return head

    def _start_over(self) -> None:
        self._line: RequestLine | None = None
        self._fields_at = 0  # offsets are counted from the head's first byte
        self._searched = 0
        self._counted = 0
        self._field_count = 0

    def _find_line(self, data: bytes, start: int) -> EarlyRefusal | None:
        """Note the line if it is complete, else say what is wrong with what there is of it.

        A line may come byte by byte, and `can_be_line` looks at all of it each time: at most 2 KiB.
        """
        line_end = data.find(b"\r\n", start, start + _LINE_WINDOW)
        if line_end < 0:
            window = data[start : start + _LINE_WINDOW]
            too_long = len(window) > MAX_REQUEST_LINE_BYTES and window[MAX_REQUEST_LINE_BYTES] != _CR
            if not can_be_line(window[: MAX_REQUEST_LINE_BYTES + 1] if too_long else window):
                return EarlyRefusal(BAD_REQUEST, None)
            return EarlyRefusal(URI_TOO_LONG, None) if too_long else None
        line = parse_line(data[start:line_end])
        if line is None:
            return EarlyRefusal(BAD_REQUEST, None)
        self._line = line
        self._fields_at = line_end + 2 - start
        self._searched = line_end - start  # a head without fields ends in the line's own CRLF and one more
        self._counted = self._fields_at
        return None

    def _find_end(self, data: bytes, start: int) -> int:
        """The index after the empty line, or _NOT_YET, or _TOO_LARGE."""
        limit = start + MAX_HEAD_BYTES
        found = data.find(b"\r\n\r\n", start + self._searched, limit)
        seen_to = found + 2 if found >= 0 else min(len(data), limit)
        self._field_count += data.count(b"\r\n", start + self._counted, seen_to)
        if self._field_count > MAX_FIELDS:
            return _TOO_LARGE
        if found >= 0:
            return found + 4
        if len(data) >= limit:
            return _TOO_LARGE
        self._searched = max(self._searched, len(data) - start - 3)
        self._counted = len(data) - start - data.endswith(b"\r")  # half a line end is counted with its other half
        return _NOT_YET


_CR: Final = 0x0D
_LINE_WINDOW: Final = MAX_REQUEST_LINE_BYTES + 2
_NOT_YET: Final = -1
_TOO_LARGE: Final = -2
