"""The OpenAPI document: FastAPI's of the routes it knows, completed with our bodies, keys and plain endpoints."""

from typing import Any, Final

import msgspec
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from control_api.access.keys import Scope
from control_api.deps import Needs
from control_api.routes import bulk, shorten
from control_api.schemas import VIEWS
from control_api.stats_schemas import STATS_VIEWS

Document = dict[str, Any]

ABOUT: Final = (
    "Makes, changes, removes and lists short links, and counts their clicks. "
    "Send an API key as `Authorization: Bearer e302_…`. Errors are problems (RFC 9457) whose `type` is stable."
)
_REF: Final = "#/components/schemas/{name}"
_REQUEST_ID: Final = {
    "X-Request-ID": {"description": "finds the request in the logs", "schema": {"type": "string"}},
}


def document(app: FastAPI) -> Document:
    """The whole document, made anew."""
    made = get_openapi(title=app.title, version=app.version, description=ABOUT, routes=app.routes)
    paths: Document = made["paths"]
    for route in app.routes:
        if isinstance(route, APIRoute):
            for method in route.methods or ():
                _complete(paths[route.path_format][method.lower()], route)
    for path, method, operation, scope in (
        ("/api/shorten", "post", shorten.OPERATION, Scope.LINKS_WRITE),
        ("/api/links/bulk", "post", bulk.OPERATION, Scope.LINKS_WRITE),
    ):
        paths.setdefault(path, {})[method] = _guarded(dict(operation), scope)
    for operations in paths.values():
        for operation in operations.values():
            for reply in operation["responses"].values():
                reply["headers"] = reply.get("headers", {}) | _REQUEST_ID
    made["paths"] = dict(sorted(paths.items()))
    _, schemas = msgspec.json.schema_components((*VIEWS, *STATS_VIEWS), ref_template=_REF)
    enums = {name: schema for name, schema in made["components"]["schemas"].items() if "enum" in schema}
    made["components"] = {
        "schemas": dict(sorted((enums | schemas).items())),
        "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "an API key, e302_…"}},
    }
    return made


def _complete(operation: Document, route: APIRoute) -> None:
    """Give one of FastAPI's operations what FastAPI can't know."""
    operation["operationId"] = route.name
    operation["summary"] = route.name.replace("_", " ").capitalize()
    if "HTTPValidationError" in str(operation["responses"].get("422")):
        del operation["responses"]["422"]  # ours are 400, as problems
    scope = _scope_of(route.dependant)
    if scope is not None:
        _guarded(operation, scope)


def _guarded(operation: Document, scope: Scope) -> Document:
    operation["security"] = [{"key": []}]
    scopes = " or ".join(f"`{each}`" for each in sorted({scope, Scope.ADMIN}, reverse=True))
    operation["description"] += f"\n\nNeeds a key with the scope {scopes}."
    return operation


def _scope_of(dependant: Dependant) -> Scope | None:
    """The scope that a route's dependencies ask for; None: the route is open."""
    return next((needed.call.scope for needed in dependant.dependencies if isinstance(needed.call, Needs)), None)
