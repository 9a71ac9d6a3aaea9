"""POST /api/shorten: makes one link.

The service's busiest write, so it is a plain ASGI endpoint: FastAPI's own reading, validating and
serialising would cost several times what the rest does (docs/adr tells how much).
"""

from typing import Final

import msgspec
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from control_api import bodies, creating, documented, views
from control_api.access import gate
from control_api.access.keys import Scope as KeyScope
from control_api.plane import ControlPlane
from control_api.problems import Problem
from control_api.schemas import LinkView, NewLinkBody
from shortlink.links import Added, Idempotency

_DECODER: Final = msgspec.json.Decoder(NewLinkBody)
_ENCODE: Final = msgspec.json.Encoder().encode


class Shorten:
    """The endpoint: the checks in order of what they cost, then one durable write."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        plane = ControlPlane.of(scope)
        caller = gate.admit(scope, plane.keys, KeyScope.LINKS_WRITE)
        raw = await bodies.read(scope, receive, plane.max_body_bytes)
        body = bodies.decode(_DECODER, raw)
        link = creating.new_link(plane.rules, body, caller.owner_key, _idempotency(scope, caller.id, raw))
        [answer] = await plane.links.add([link])
        if not isinstance(answer, Added):
            raise creating.refusal(answer, link)
        reply = _ENCODE(views.of_link(answer.link, plane.short_urls))
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(reply)).encode()),
            (b"location", creating.location(answer.link).encode()),
            (b"etag", views.etag(answer.link).encode()),
        ]
        if answer.replayed:
            headers.append((b"idempotency-replayed", b"true"))
        await send({"type": "http.response.start", "status": 201, "headers": headers})
        await send({"type": "http.response.body", "body": reply})


def _idempotency(scope: Scope, caller_id: str, body: bytes) -> Idempotency | None:
    """What the Idempotency-Key header asks for; its value may be quoted, as the draft has it, or bare."""
    sent = bodies.header(scope, b"idempotency-key")
    if sent is None:
        return None
    key = sent.decode("latin-1")
    if len(key) >= 2 and key[0] == key[-1] == '"':
        key = key[1:-1]
    if not (0 < len(key) <= creating.MAX_IDEMPOTENCY_KEY and key.isascii() and key.isprintable()):
        raise Problem(
            "invalid-header",
            f"Send 1 to {creating.MAX_IDEMPOTENCY_KEY} printable ASCII characters.",
            field="Idempotency-Key",
        )
    return creating.idempotency(caller_id, key, body)


OPERATION: Final = {
    "summary": "Shorten",
    "description": "Make a short link. The reply comes once the link is on disk.",
    "operationId": "shorten",
    "parameters": [
        {
            "name": "Idempotency-Key",
            "in": "header",
            "description": "a word of yours for this request: repeating it within a day makes no second link",
            "schema": {"type": "string", "pattern": "^[!-~]+$", "maxLength": creating.MAX_IDEMPOTENCY_KEY},
            "example": "8e03978e-40d5-43dd-bc93-6894a57f9324",
        }
    ],
    **documented.request_body(
        documented.ref(NewLinkBody), *bodies.JSON, example={"url": "https://example.com/welcome", "alias": "welcome"}
    ),
    "responses": documented.as_text(
        documented.reply(
            201,
            "the link was made, or had been by an earlier request with this Idempotency-Key",
            LinkView,
            {
                "Location": {"description": "where the API shows the link", "schema": {"type": "string"}},
                "Idempotency-Replayed": {
                    "description": "true: made by an earlier request",
                    "schema": {"type": "string"},
                },
                **documented.ETAG,
            },
        )
        | documented.problems(
            *("invalid-json", "invalid-field", "invalid-header", "alias-taken", "idempotency-key-spent"),
            *("body-too-large", "unsupported-media-type", "alias-invalid", "alias-reserved", "unknown-domain"),
            *documented.RULES,
            "idempotency-key-reused",
            *documented.GUARDED,
        )
    ),
}

ROUTES: Final = [Route("/api/shorten", Shorten(), methods=["POST"])]
