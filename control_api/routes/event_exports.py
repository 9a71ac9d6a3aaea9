"""/api/stats/events.csv, .ndjson: single clicks, one a line, streamed as fast as they are taken."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from typing import Final

from fastapi import Response
from fastapi.routing import APIRoute

from clicks.events.event import ClickEvent
from control_api import asking, documented
from control_api.asking import Asked, Clicks
from control_api.deps import StatsReader
from control_api.event_lines import COLUMNS, as_csv, as_ndjson
from control_api.examples import CLICK
from control_api.streaming import Streamed

Lines = Callable[[AsyncIterator[Sequence[ClickEvent]]], AsyncGenerator[bytes, None]]


async def export_clicks_as_csv(_: StatsReader, asked: Clicks) -> Response:
    """Export single clicks as CSV with a header row, oldest first, as far back as they are kept one by one."""
    return await _export(asked, as_csv, "text/csv; charset=utf-8; header=present", "clicks.csv")


async def export_clicks_as_ndjson(_: StatsReader, asked: Clicks) -> Response:
    """Export single clicks as lines of JSON, oldest first, as far back as they are kept one by one."""
    return await _export(asked, as_ndjson, "application/x-ndjson", "clicks.ndjson")


async def _export(asked: Asked, lines: Lines, media_type: str, name: str) -> Response:
    pages = asked.events.answers.export(asked.question)
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return await Streamed(lines(pages), media_type, headers).begun()


_PROBLEMS: Final = documented.problems(*asking.PROBLEMS, *documented.GUARDED)

ROUTES: Final = [
    APIRoute(
        "/api/stats/events.csv",
        export_clicks_as_csv,
        methods=["GET"],
        response_class=Response,
        responses=documented.text_reply("text/csv", "a click a row, fields of ClickEvent", ",".join(COLUMNS) + "\r\n")
        | _PROBLEMS,
    ),
    APIRoute(
        "/api/stats/events.ndjson",
        export_clicks_as_ndjson,
        methods=["GET"],
        response_class=Response,
        responses=documented.text_reply("application/x-ndjson", "lines, each a ClickEvent", CLICK) | _PROBLEMS,
    ),
]
