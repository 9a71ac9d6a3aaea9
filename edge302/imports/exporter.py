"""Writes all links to a file that `links import` reads, page by page; an interrupted one goes on where it stopped."""

import csv
import io
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any, Final, Protocol

import msgspec

from edge302.imports.fields import EXPORTED, exported, to_cells
from edge302.imports.lines import UnreadableFile, format_of

PAGE: Final = 500  # the longest page that the API gives
STANDARD_OUTPUT: Final = Path("-")


class Pages(Protocol):
    """Where links come from: a page of them, and the cursor of the next (None: it is the last)."""

    def __call__(self, *, order: str, limit: int, cursor: str | None) -> tuple[list[dict[str, Any]], str | None]: ...


class _State(msgspec.Struct, frozen=True):
    """How far an export came: the next page's cursor, and the bytes and links that stand in the file."""

    format: str
    cursor: str | None = None
    bytes: int = 0
    links: int = 0


def guess_format(file: Path) -> str:
    """The format that a file's name tells, else NDJSON."""
    try:
        return format_of(file)
    except UnreadableFile:
        return "ndjson"


def export_links(pages: Pages, file: Path, file_format: str, update: Callable[[int], None]) -> int:
    """Write every link, oldest first, so that links made meanwhile come last; returns how many.

    The file appears under its name when it is whole. Until then it is FILE.part, with FILE.part.state beside it.
    """
    if file == STANDARD_OUTPUT:
        out = sys.stdout.buffer
        return _write(pages, out, _State(file_format), lambda state: update(state.links))
    part, state_file = file.with_name(file.name + ".part"), file.with_name(file.name + ".part.state")
    state = _read_state(state_file, file_format) if part.exists() else _State(file_format)

    def keep(state: _State) -> None:
        out.flush()
        state_file.with_suffix(".new").write_bytes(msgspec.json.encode(state))
        state_file.with_suffix(".new").replace(state_file)
        update(state.links)

    with part.open("r+b" if part.exists() else "w+b") as out:
        out.truncate(state.bytes)  # what is beyond belongs to a page that was not finished
        out.seek(state.bytes)
        links = _write(pages, out, state, keep)
        out.flush()
        os.fsync(out.fileno())
    part.replace(file)
    state_file.unlink(missing_ok=True)
    return links


def _write(pages: Pages, out: IO[bytes], state: _State, settled: Callable[[_State], None]) -> int:
    encode = _ENCODERS[state.format]
    if state.format == "csv" and not state.bytes:
        header = _csv_rows([list(EXPORTED)])
        out.write(header)
        state = msgspec.structs.replace(state, bytes=len(header))
    while True:
        links, cursor = pages(order="oldest", limit=PAGE, cursor=state.cursor)
        text = encode([exported(link) for link in links])
        out.write(text)
        state = _State(state.format, cursor, state.bytes + len(text), state.links + len(links))
        if cursor is None:
            return state.links
        settled(state)


def _read_state(state_file: Path, file_format: str) -> _State:
    """Where to go on; from the start when that can't be told, or the format is another now."""
    try:
        state = msgspec.json.decode(state_file.read_bytes(), type=_State)
    except (FileNotFoundError, msgspec.DecodeError):
        return _State(file_format)
    return state if state.format == file_format else _State(file_format)


def _ndjson_lines(links: Sequence[dict[str, Any]]) -> bytes:
    return b"".join(msgspec.json.encode(link) + b"\n" for link in links)


def _csv_lines(links: Sequence[dict[str, Any]]) -> bytes:
    return _csv_rows([to_cells(link) for link in links])


def _csv_rows(rows: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


_ENCODERS: Final = {"ndjson": _ndjson_lines, "csv": _csv_lines}
