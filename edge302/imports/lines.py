"""A file of links, line by line: what can be sent, and what can't be read."""

import csv
import re
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

import msgspec

from edge302.imports.fields import FIELDS, from_cells
from shortlink.errors import Edge302Error

MAX_LINE_BYTES: Final = 1 << 20  # far above what the API takes; keeps a file without line ends out of memory
_BOM: Final = b"\xef\xbb\xbf"
_SURROGATE: Final = re.compile("[\udc80-\udcff]")


class Line(NamedTuple):
    """One link to send.

    Attributes:
        number: the line of the file where it begins, from 1.
        alias: its alias, if it has one that is text.
        link: the API's JSON object.
        text: what stands in the file.
    """

    number: int
    alias: str | None
    link: bytes
    text: str


class BadLine(NamedTuple):
    """One that can't be sent: why, and in which field if in one."""

    number: int
    reason: str
    field: str | None
    text: str


class UnreadableFile(Edge302Error):
    """Not one line of the file can be used."""


def read_lines(file: IO[bytes], file_format: str) -> Iterator[Line | BadLine]:
    """The links of a file of FORMATS, in order. UnreadableFile: a CSV header that names no link's fields."""
    file.seek(0)
    return FORMATS[file_format](file)


def format_of(path: Path) -> str:
    """The format that a file's name tells. UnreadableFile: none."""
    try:
        return _SUFFIXES[path.suffix.lower()]
    except KeyError:
        raise UnreadableFile(f"{path.name}: say whether it is ndjson or csv with --format") from None


def _ndjson(file: IO[bytes]) -> Iterator[Line | BadLine]:
    decode = msgspec.json.Decoder(dict[str, Any]).decode
    for number, raw in _raw_lines(file):
        line = raw.strip()
        if not line:
            continue
        if len(raw) > MAX_LINE_BYTES:
            yield _too_long(number, line)
            continue
        try:
            fields = decode(line)
            text = line.decode()
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
            yield BadLine(number, _why_not_json(line, exc), None, line.decode(errors="backslashreplace"))
            continue
        if "idempotency_key" in fields:  # ours: it is what makes the import exactly once
            yield BadLine(number, "idempotency_key is no field of a link", "idempotency_key", text)
            continue
        alias = fields.get("alias")
        yield Line(number, alias if isinstance(alias, str) else None, line, text)


def _csv(file: IO[bytes]) -> Iterator[Line | BadLine]:
    encode = msgspec.json.Encoder().encode
    texts = _Texts(file)
    rows = csv.reader(texts, strict=True)
    columns = _columns(rows)
    while True:
        texts.begin_row()
        try:
            cells = next(rows)
        except StopIteration:
            return
        except csv.Error as exc:
            # A quote that is never closed must not take the good lines behind it along.
            texts.keep_first_line()
            yield BadLine(texts.number, f"not CSV: {exc}", None, texts.row())
            continue
        if not cells:
            continue
        if texts.has_bad_bytes():
            yield BadLine(texts.number, "not UTF-8", None, texts.row())
        elif len(cells) != len(columns):
            yield BadLine(texts.number, f"{len(cells)} cells, but the header names {len(columns)}", None, texts.row())
        else:
            fields = from_cells(columns, cells)
            yield Line(texts.number, fields.get("alias"), encode(fields), texts.row())


class _Texts:
    """Lines for csv.reader, which asks for more of them while a quote is open.

    Attributes:
        number: the line where the row under way begins.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self.number = 1
        self._lines = _raw_lines(file)
        self._row: list[tuple[int, str]] = []
        self._waiting: deque[tuple[int, str]] = deque()

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self._waiting:
            line = self._waiting.popleft()
        else:
            number, raw = next(self._lines)
            # Bytes that are no UTF-8 become lone surrogates, by which their row is known.
            line = number, raw.decode(errors="surrogateescape")
        if not self._row:
            self.number = line[0]
        self._row.append(line)
        return line[1]

    def begin_row(self) -> None:
        self._row.clear()

    def keep_first_line(self) -> None:
        """End the row after its first line; the others are read again."""
        self._waiting.extendleft(reversed(self._row[1:]))
        del self._row[1:]

    def has_bad_bytes(self) -> bool:
        return any(not text.isascii() and _SURROGATE.search(text) is not None for _, text in self._row)

    def row(self) -> str:
        """What stands in the file, as far as it can be shown."""
        text = self._row[0][1] if len(self._row) == 1 else "".join(text for _, text in self._row)
        text = text.rstrip("\r\n")
        return text if text.isascii() else text.encode(errors="surrogateescape").decode(errors="backslashreplace")


def _columns(rows: Iterator[list[str]]) -> list[str]:
    """The header row. UnreadableFile: it is missing, or names what no link has."""
    known = ", ".join(FIELDS)
    try:
        columns = next(rows)
    except (StopIteration, csv.Error):
        raise UnreadableFile(f"the first line must name the columns: {known}") from None
    for name in columns:
        if name not in FIELDS:
            raise UnreadableFile(f"the header names {name!r}, which is no field of a link; there are {known}")
    if "url" not in columns:
        raise UnreadableFile("the header names no column url")
    if len(set(columns)) < len(columns):
        raise UnreadableFile("the header names a column twice")
    return columns


def _raw_lines(file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """Numbered lines with their ends, cut a byte past MAX_LINE_BYTES; the mark of a UTF-8 file is left out."""
    number = 0
    while raw := file.readline(MAX_LINE_BYTES + 1):
        number += 1
        rest = raw
        while rest and not rest.endswith(b"\n"):
            rest = file.readline(MAX_LINE_BYTES)
        yield number, raw.removeprefix(_BOM) if number == 1 else raw


def _too_long(number: int, line: bytes) -> BadLine:
    return BadLine(number, f"longer than {MAX_LINE_BYTES} bytes", None, line[:200].decode(errors="backslashreplace"))


def _why_not_json(line: bytes, error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "not UTF-8"
    try:
        line.decode()
    except UnicodeDecodeError:
        return "not UTF-8"
    return "not a JSON object" if isinstance(error, msgspec.ValidationError) else f"not JSON: {error}"


FORMATS: Final[dict[str, Callable[[IO[bytes]], Iterator[Line | BadLine]]]] = {"ndjson": _ndjson, "csv": _csv}
_SUFFIXES: Final = {".ndjson": "ndjson", ".jsonl": "ndjson", ".csv": "csv"}
