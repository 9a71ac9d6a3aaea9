"""How routes describe themselves for the OpenAPI document: bodies by reference, problems by kind."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from control_api.examples import EXAMPLES
from control_api.problems import KINDS, MEDIA_TYPE

Described = dict[int | str, dict[str, Any]]

# What any route with a key may answer, whatever it does.
GUARDED: Final = ("missing-key", "invalid-key", "expired-key", "revoked-key", "wrong-scope", "store-unavailable")
# What the rules of links refuse, in new ones and changed ones alike.
RULES: Final = (
    *("target-invalid", "target-scheme", "target-too-long", "own-domain", "status-invalid", "cache-control-invalid"),
    *("time-out-of-range", "times-reversed", "title-invalid", "tags-invalid", "not-yet-supported"),
)
ETAG: Final = {"ETag": {"description": "the link's version, for If-Match", "schema": {"type": "string"}}}


def ref(view: type[msgspec.Struct]) -> dict[str, str]:
    """The schema of a body, where the document's components have it."""
    return {"$ref": f"#/components/schemas/{view.__name__}"}


def reply(
    status: int,
    description: str,
    view: type[msgspec.Struct] | None = None,
    headers: Mapping[str, Any] | None = None,
) -> Described:
    """A reply that is no problem; `view` None: it has no body."""
    described: dict[str, Any] = {"description": description}
    if view is not None:
        described["content"] = {"application/json": {"schema": ref(view), "example": EXAMPLES[view]}}
    if headers:
        described["headers"] = dict(headers)
    return {status: described}


def text_reply(media_type: str, description: str, example: str) -> Described:
    """A reply of 200 that is no JSON value."""
    content = {media_type: {"schema": {"type": "string"}, "example": example}}
    return {200: {"description": description, "content": content}}


def problems(*kinds: str) -> Described:
    """The problems that a route answers with, told by status."""
    described: Described = {}
    for kind in (*kinds, "internal"):
        status, title = KINDS[kind].status, KINDS[kind].title
        entry = described.setdefault(
            status,
            {
                "description": "",
                "content": {
                    MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemView"}, "examples": {}},
                },
            },
        )
        entry["description"] += f"{', ' if entry['description'] else ''}`{kind}`"
        entry["content"][MEDIA_TYPE]["examples"][kind] = {
            "value": {"type": f"/problems/{kind}", "title": title, "status": status, "detail": f"{title}."}
        }
    return described


def request_body(schema: Mapping[str, Any], *media_types: str, example: object) -> dict[str, Any]:
    """The `openapi_extra` of a route that reads its body itself."""
    content = {media_type: {"schema": dict(schema), "example": example} for media_type in media_types}
    return {"requestBody": {"required": True, "content": content}}


def as_text(described: Described) -> dict[str, Any]:
    """Replies by status as they stand in a document that FastAPI does not make."""
    return {str(status): entry for status, entry in described.items()}
