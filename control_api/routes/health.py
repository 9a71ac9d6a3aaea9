"""/health: whether the control plane runs, whether it can work, and how its parts are doing; no key needed."""

from importlib.metadata import version
from typing import Final, Literal

from fastapi import Response
from fastapi.routing import APIRoute

from control_api import documented, replies
from control_api.deps import Plane
from control_api.problems import Problem
from control_api.schemas import HealthDetailView, HealthView
from shortlink.errors import Edge302Error
from shortlink.links import DEFAULT_DOMAIN, LinkKey

VERSION: Final = version("edge302")
State = Literal["ok", "unavailable"]
_PROBE: Final = LinkKey(DEFAULT_DOMAIN, "health")  # a reserved word: looked up like any code, and never there


async def live() -> Response:
    """Answer, which is all that "live" means."""
    return replies.json(HealthView())


async def ready(plane: Plane) -> Response:
    """Tell whether links can be made and read now."""
    try:
        await plane.links.get([_PROBE])
    except Edge302Error as exc:
        raise Problem("not-ready", f"{exc}.", headers={"Retry-After": "1"}) from exc
    return replies.json(HealthView())


async def details(plane: Plane) -> Response:
    """Tell how each part is doing; answers 200 even when one is not well."""
    store, clicks = await _store_state(plane), await _clicks_state(plane)
    return replies.json(
        HealthDetailView(
            status="ok" if store == clicks == "ok" else "degraded",
            version=VERSION,
            uptime_seconds=(plane.clock.now_ms() - plane.started_ms) // 1_000,
            store=store,
            clicks=clicks,
        )
    )


async def _store_state(plane: Plane) -> State:
    try:
        await plane.links.get([_PROBE])
    except Edge302Error:
        return "unavailable"
    return "ok"


async def _clicks_state(plane: Plane) -> State:
    try:
        await plane.clicks.of_service()
    except Edge302Error:
        return "unavailable"
    return "ok"


ROUTES: Final = [
    APIRoute(
        "/health/live",
        live,
        methods=["GET"],
        response_class=Response,
        responses=documented.reply(200, "it runs", HealthView) | documented.problems(),
    ),
    APIRoute(
        "/health/ready",
        ready,
        methods=["GET"],
        response_class=Response,
        responses=documented.reply(200, "it can work", HealthView) | documented.problems("not-ready"),
    ),
    APIRoute(
        "/health",
        details,
        methods=["GET"],
        response_class=Response,
        responses=documented.reply(200, "how its parts are doing", HealthDetailView) | documented.problems(),
    ),
]
