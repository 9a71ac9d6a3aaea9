"""DELETE /api/stats/…: deletes the single clicks of a link, or those of a visitor's day."""

import logging
from datetime import date
from typing import Annotated, Final

from fastapi import Path, Query, Response
from fastapi.routing import APIRoute

from control_api import asking, documented, replies
from control_api.access.gate import Caller
from control_api.asking import CODE, NO_NUL
from control_api.deps import Admin, Plane
from control_api.problems import Problem
from control_api.stats_schemas import ForgottenView
from shortlink.links import DEFAULT_DOMAIN, LinkKey

KEPT: Final = ["total", "today", "last_24h", "by_class"]  # of /api/stats/{code}

MAX_VISITOR: Final = (1 << 64) - 1

_EPOCH_DAY: Final = date(1970, 1, 1)
_log = logging.getLogger("control_api")


async def forget_link_clicks(
    plane: Plane,
    caller: Admin,
    code: Annotated[str, Path(description="the link's code or alias", examples=["welcome"], pattern=CODE)],
    domain: Annotated[
        str, Query(description="the link's domain; empty: the default one", max_length=253, pattern=NO_NUL)
    ] = DEFAULT_DOMAIN,
) -> Response:
    """Delete a link's clicks out of every statistic of single clicks; the link may be removed already.

    What counts clicks alone stays: `kept` names it.
    """
    clicks = await asking.events_of(plane).answers.forget_link(LinkKey(domain, code))
    _note(caller, clicks, link=f"{domain}/{code}")
    return replies.json(ForgottenView(clicks=clicks, kept=KEPT))


async def forget_visitor(
    plane: Plane,
    caller: Admin,
    day: Annotated[
        str, Path(description="a UTC day", examples=["2026-03-01"], pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")
    ],
    visitor: Annotated[
        str, Path(description="`visitor` of a click", examples=["1234567890123456789"], pattern="^[1-9][0-9]{0,19}$")
    ],
) -> Response:
    """Delete the clicks of a visitor: they are known again on one UTC day alone, so each day is asked for itself."""
    if int(visitor) > MAX_VISITOR:
        raise Problem("invalid-parameter", "Visitors are numbers of 64 bits: copy one from a click.", field="visitor")
    clicks = await asking.events_of(plane).answers.forget_visitor(_days(day), visitor)
    _note(caller, clicks, day=day)
    return replies.json(ForgottenView(clicks=clicks, kept=KEPT))


def _days(day: str) -> int:
    """Days since the Unix epoch."""
    try:
        return (date.fromisoformat(day) - _EPOCH_DAY).days
    except ValueError as exc:
        raise Problem("span-invalid", f"{day} is no day: write one such as 2026-03-01.", field="day") from exc


def _note(caller: Caller, clicks: int, **what: str) -> None:
    """Leave in the log who deleted what; of a visitor no more than the day."""
    _log.info("clicks were deleted", extra={"key": caller.id, "clicks": clicks, **what})


_FORGOTTEN: Final = documented.reply(200, "deleted", ForgottenView)

ROUTES: Final = [
    APIRoute(
        "/api/stats/{code}",
        forget_link_clicks,
        methods=["DELETE"],
        response_class=Response,
        responses=_FORGOTTEN | documented.problems("invalid-parameter", "events-off", *documented.GUARDED),
    ),
    APIRoute(
        "/api/stats/visitors/{day}/{visitor}",
        forget_visitor,
        methods=["DELETE"],
        response_class=Response,
        responses=_FORGOTTEN
        | documented.problems("invalid-parameter", "events-off", "span-invalid", *documented.GUARDED),
    ),
]
