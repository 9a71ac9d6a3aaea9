"""The control plane as one ASGI app: its routes, and how what they raise becomes a reply."""

from typing import Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from control_api import problems
from control_api.express import Express
from control_api.observing import Observed, request_id
from control_api.plane import ControlPlane
from control_api.problems import Problem
from control_api.routes import (
    bulk,
    documents,
    event_exports,
    event_stats,
    forgetting,
    health,
    keys,
    links,
    live,
    shorten,
    stats,
)
from control_api.streaming import HEAD_ONLY
from shortlink.errors import InvalidLink, StoreUnavailable

# The busiest first: routes are tried in this order.
ROUTES: Final[tuple[BaseRoute, ...]] = (
    *shorten.ROUTES,
    *bulk.ROUTES,
    *links.ROUTES,
    *event_stats.ROUTES,  # ahead of what takes any word for a code
    *event_exports.ROUTES,
    *live.ROUTES,
    *stats.ROUTES,
    *forgetting.ROUTES,
    *health.ROUTES,
    *keys.ROUTES,
    *documents.ROUTES,
)


def served(plane: ControlPlane) -> ASGIApp:
    """The app as servers run it: logged, measured, with HEAD."""
    return HeadAsGet(Observed(Express(routed(plane), shorten.ROUTES), plane.log, plane.clock))


def routed(plane: ControlPlane) -> FastAPI:
    """The routes alone."""
    app = FastAPI(
        title="edge302",
        version=health.VERSION,
        routes=list(ROUTES),
        openapi_url=None,  # routes/documents.py serves ours
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # observing.py sees to that
        exception_handlers={
            Problem: _refused,
            InvalidLink: _refused,
            StoreUnavailable: _refused,
            RequestValidationError: _invalid_parameter,
            HTTPException: _unrouted,
            Exception: _failed,
        },
    )
    app.state.plane = plane
    return app


class HeadAsGet:
    """HEAD is GET without the body (RFC 9110 §9.3.2), which the server leaves out by itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "HEAD":
            scope = {**scope, "method": "GET", HEAD_ONLY: True}
        await self._app(scope, receive, send)


async def _refused(request: Request, error: Exception) -> Response:
    problem = problems.of(error)
    assert problem is not None
    return problems.response(problem, request_id(request.scope))


async def _invalid_parameter(request: Request, error: Exception) -> Response:
    """The first of FastAPI's complaints about parameters; its bodies are never used. `loc`: query, the name, which."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    return await _refused(request, Problem("invalid-parameter", f"{first['msg']}.", field=str(first["loc"][1])))


async def _failed(request: Request, _: Exception) -> Response:
    """A fault of ours. Starlette raises it again once this is sent, and so it comes into the log."""
    return problems.response(problems.INTERNAL, request_id(request.scope))


async def _unrouted(request: Request, error: Exception) -> Response:
    """Starlette's own refusals: no such path, or none with this method."""
    assert isinstance(error, HTTPException)
    allowed = _allowed(request.scope)
    if not allowed:
        return await _refused(request, Problem("not-found", "See /api/docs for what there is."))
    allow = ", ".join(sorted(allowed))
    return await _refused(request, Problem("method-not-allowed", f"Use {allow}.", headers={"Allow": allow}))


def _allowed(scope: Scope) -> set[str]:
    """The methods of every route with the path asked for; Starlette knows those of the first alone.

    A path that stands in a route literally is not another route's parameter.
    """
    matching = [each for each in ROUTES if isinstance(each, Route) and each.matches(scope)[0] is not Match.NONE]
    literal = [each for each in matching if not each.param_convertors]
    methods = {method for each in literal or matching for method in each.methods or ()}
    return methods | {"HEAD"} if "GET" in methods else methods
