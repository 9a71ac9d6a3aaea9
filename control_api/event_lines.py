"""Single clicks as lines of CSV and of JSON, in pages as they come from the store."""

import contextlib
import csv
import io
import re
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import Final

import msgspec

from clicks.events.event import ClickEvent
from control_api.times import to_time

# The names that the fields have in JSON.
COLUMNS: Final = tuple(field.encode_name for field in msgspec.structs.fields(ClickEvent))

# What spreadsheets take for a formula, or skip to look for one, also in the wide form of East Asian keyboards (OWASP,
# "CSV Injection").
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
# Where the comma is the decimal sign, spreadsheets have semicolons between cells, and split ours there.
_FORMULA_INSIDE: Final = re.compile(rf";(?=[{re.escape(''.join(_FORMULA))}])")
_TIME: Final = COLUMNS.index("time")
_CLASS: Final = COLUMNS.index("class")
_ENCODER: Final = msgspec.json.Encoder()


async def as_csv(pages: AsyncIterator[Sequence[ClickEvent]]) -> AsyncGenerator[bytes, None]:
    """RFC 4180 in UTF-8 with a header row; `time` is RFC 3339, UTC. No cell is a formula: an apostrophe stands before
    what looks like one, at its beginning or after a semicolon."""
    header = _rows([COLUMNS])
    async with _ended(pages):
        async for events in pages:
            yield header + _rows([_cells(event) for event in events])
            header = b""
    if header:
        yield header


async def as_ndjson(pages: AsyncIterator[Sequence[ClickEvent]]) -> AsyncGenerator[bytes, None]:
    """A ClickEvent a line."""
    async with _ended(pages):
        async for events in pages:
            yield _ENCODER.encode_lines(events)


@contextlib.asynccontextmanager
async def _ended(pages: AsyncIterator[Sequence[ClickEvent]]) -> AsyncIterator[None]:
    """Pages that end with this context: a query of theirs is let go of at once, not when they are collected."""
    try:
        yield
    finally:
        if isinstance(pages, AsyncGenerator):
            await pages.aclose()


def _cells(event: ClickEvent) -> list[object]:
    values: list[object] = list(msgspec.structs.astuple(event))
    values[_TIME] = to_time(event.time).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    values[_CLASS] = event.traffic.value
    return [_harmless(value) if isinstance(value, str) else value for value in values]


def _harmless(text: str) -> str:
    if ";" in text:
        text = _FORMULA_INSIDE.sub(";'", text)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _rows(rows: Sequence[Sequence[object]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode("utf-8", "replace")
