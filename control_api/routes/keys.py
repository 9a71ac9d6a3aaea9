"""/api/keys: makes, lists and revokes API keys."""

from typing import Annotated, Final

import msgspec
from fastapi import Path, Request, Response
from fastapi.routing import APIRoute

from control_api import bodies, documented, replies
from control_api.access.keys import ApiKey
from control_api.deps import Admin, Plane
from control_api.problems import Problem
from control_api.schemas import KeyListView, KeyView, MadeKeyView, NewKeyBody
from control_api.times import to_ms, to_time

_DECODER: Final = msgspec.json.Decoder(NewKeyBody)


async def list_keys(plane: Plane, _: Admin) -> Response:
    """List all API keys, revoked ones included."""
    return replies.json(KeyListView(keys=[_view(key) for key in plane.keys.all()]))


async def make_key(request: Request, plane: Plane, _: Admin) -> Response:
    """Make an API key; this reply is the only place where it ever stands in clear."""
    body = bodies.decode(_DECODER, await bodies.read(request.scope, request.receive, plane.max_body_bytes))
    expires_at = to_ms(body.expires_at)
    if expires_at is not None and expires_at <= plane.clock.now_ms():
        raise Problem("time-out-of-range", "Choose a time that is yet to come.", field="expires_at")
    key, text = await plane.keys.create(body.name, frozenset(body.scopes), expires_at)
    return replies.json(MadeKeyView(key=text, **msgspec.structs.asdict(_view(key))), 201)


async def revoke_key(
    plane: Plane,
    _: Admin,
    id: Annotated[str, Path(description="the key's id", examples=["key_0123456789abcdef"])],  # noqa: A002 - the name in the path
) -> Response:
    """Revoke an API key: it stops working at once, for good."""
    if not await plane.keys.revoke(id):
        raise Problem("key-not-found", f"No API key has the id {id}.")
    return Response(status_code=204)


def _view(key: ApiKey) -> KeyView:
    return KeyView(
        id=key.id,
        prefix=key.prefix,
        name=key.name,
        scopes=sorted(key.scopes),
        created_at=to_time(key.created_at),
        expires_at=to_time(key.expires_at),
        revoked_at=to_time(key.revoked_at),
        last_used_at=to_time(key.last_used_at),
    )


ROUTES: Final = [
    APIRoute(
        "/api/keys",
        list_keys,
        methods=["GET"],
        response_class=Response,
        responses=documented.reply(200, "all keys, oldest first", KeyListView)
        | documented.problems(*documented.GUARDED),
    ),
    APIRoute(
        "/api/keys",
        make_key,
        methods=["POST"],
        status_code=201,
        response_class=Response,
        responses=documented.reply(201, "the key, shown this once", MadeKeyView)
        | documented.problems(
            *("invalid-json", "invalid-field", "body-too-large", "unsupported-media-type", "time-out-of-range"),
            *documented.GUARDED,
        ),
        openapi_extra=documented.request_body(
            documented.ref(NewKeyBody), *bodies.JSON, example={"name": "website", "scopes": ["links:write"]}
        ),
    ),
    APIRoute(
        "/api/keys/{id}",
        revoke_key,
        methods=["DELETE"],
        status_code=204,
        response_class=Response,
        responses=documented.reply(204, "revoked") | documented.problems("key-not-found", *documented.GUARDED),
    ),
]
