"""/api/openapi.json and /api/docs: the API's description, for programs and for people."""

from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from control_api.docs_page import CONTENT_SECURITY_POLICY, page
from control_api.openapi import document


async def openapi(request: Request) -> Response:
    """The OpenAPI document (made anew: it is asked for too seldom to keep)."""
    return Response(msgspec.json.encode(document(request.app)), media_type="application/json")


async def docs(request: Request) -> Response:
    """The same as a page that needs no script and nothing from elsewhere."""
    return HTMLResponse(page(document(request.app)), headers={"Content-Security-Policy": CONTENT_SECURITY_POLICY})


ROUTES: Final = [
    Route("/api/openapi.json", openapi, methods=["GET"]),
    Route("/api/docs", docs, methods=["GET"]),
]
