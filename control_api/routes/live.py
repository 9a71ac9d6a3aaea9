"""GET /api/stats/live: clicks as they arrive, as server-sent events (WHATWG HTML, "Server-sent events")."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Annotated, Final

import msgspec
from fastapi import Header, Request, Response
from fastapi.routing import APIRoute

from clicks.live import LivePage, TooManyListeners
from control_api import asking, documented
from control_api.access import gate
from control_api.access.keys import Scope
from control_api.asking import Asked, Clicks
from control_api.deps import Plane, StatsReader
from control_api.examples import CLICK
from control_api.problems import Problem
from control_api.streaming import Streamed

MEDIA_TYPE: Final = "text/event-stream"
RETRY_MS: Final = 2_000

_ENCODER: Final = msgspec.json.Encoder()


async def watch_clicks(
    request: Request,
    plane: Plane,
    _: StatsReader,
    asked: Clicks,
    last_event_id: Annotated[
        str | None,
        Header(max_length=200, description="go on after the event with this id, as browsers do by themselves"),
    ] = None,
) -> Response:
    """Tell clicks as they arrive, until you leave or your key ends: events named `click`, whose data is a ClickEvent.

    The time asked for is of no matter here. An event named `skipped` says that too many came to tell all.
    """

    def allowed() -> bool:
        return gate.still_admitted(request.scope, plane.keys, Scope.STATS_READ)

    try:
        return await Streamed(_events(asked, last_event_id, allowed), MEDIA_TYPE).begun()
    except TooManyListeners as exc:
        raise Problem("too-many-listeners", f"{exc}; try again later.", headers={"Retry-After": "10"}) from exc
    except ValueError as exc:
        detail = "Send an id of an event of this feed, or none to begin with what comes next."
        raise Problem("invalid-header", detail, field="Last-Event-ID") from exc


async def _events(asked: Asked, cursor: str | None, allowed: Callable[[], bool]) -> AsyncGenerator[bytes, None]:
    """The pages as text, none once they are not allowed any more: a feed may outlive its key by days."""
    begun = False
    async with aclosing(asked.events.live.listen(asked.question, cursor)) as pages:
        async for page in pages:
            if not allowed():
                return
            yield (b"" if begun else b"retry: %d\n" % RETRY_MS) + _text(page)
            begun = True


def _text(page: LivePage) -> bytes:
    """A page as events, the id after all of them: who breaks off before it has the page again.

    JSON has no line break in it, whatever the click's texts have. An id without data is no event, yet remembered.
    """
    told = [b"event: skipped\ndata: {}\n\n"] if page.skipped else []
    told += [b"event: click\ndata: " + _ENCODER.encode(event) + b"\n\n" for event in page.events]
    return b"".join(told) + f": \nid: {page.cursor}\n\n".encode()


ROUTES: Final = [
    APIRoute(
        "/api/stats/live",
        watch_clicks,
        methods=["GET"],
        response_class=Response,
        responses=documented.text_reply(
            MEDIA_TYPE,
            "events without end; a comment at least every 15 s",
            f"event: click\ndata: {CLICK}\n\n: \nid: 1742\n\n",
        )
        | documented.problems("invalid-header", "too-many-listeners", *asking.PROBLEMS, *documented.GUARDED),
    ),
]
