"""Problems (RFC 9457): every kind of error the control plane answers with, and how one is written."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import msgspec
from starlette.responses import Response

from control_api.schemas import ProblemView
from shortlink.errors import InvalidLink, StoreUnavailable

MEDIA_TYPE: Final = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of problem: its status code, and a title that is the same each time."""

    status: int
    title: str


# 400: the request does not match the OpenAPI document. 422: it does, but breaks a rule no schema can state.
KINDS: Final[Mapping[str, Kind]] = {
    "invalid-json": Kind(400, "The body is not valid JSON"),
    "invalid-field": Kind(400, "A field has the wrong type or value"),
    "invalid-parameter": Kind(400, "A parameter has the wrong type or value"),
    "invalid-header": Kind(400, "A header has the wrong value"),
    "missing-key": Kind(401, "An API key is needed"),
    "invalid-key": Kind(401, "The API key is not valid"),
    "expired-key": Kind(401, "The API key has expired"),
    "revoked-key": Kind(401, "The API key was revoked"),
    "wrong-scope": Kind(403, "The API key does not allow this"),
    "not-found": Kind(404, "There is nothing at this address"),
    "link-not-found": Kind(404, "There is no such link"),
    "key-not-found": Kind(404, "There is no such API key"),
    "method-not-allowed": Kind(405, "The method is not allowed here"),
    "alias-taken": Kind(409, "The alias belongs to another link"),
    "idempotency-key-spent": Kind(409, "The link that this idempotency key made was removed"),
    "conflict": Kind(409, "Others change this link all the time"),
    "events-off": Kind(409, "Clicks are not kept one by one"),
    "precondition-failed": Kind(412, "The link has changed since you read it"),
    "body-too-large": Kind(413, "The body is too large"),
    "unsupported-media-type": Kind(415, "The body has the wrong media type"),
    "alias-invalid": Kind(422, "The alias can't be used"),
    "alias-reserved": Kind(422, "The alias is a reserved word"),
    "target-invalid": Kind(422, "The target is not a URL"),
    "target-scheme": Kind(422, "The target is neither http nor https"),
    "target-too-long": Kind(422, "The target is too long"),
    "own-domain": Kind(422, "The target is this service itself"),
    "unknown-domain": Kind(422, "The domain is not one of this service's"),
    "status-invalid": Kind(422, "The status is not one of a redirect"),
    "cache-control-invalid": Kind(422, "The value can't stand in Cache-Control"),
    "time-out-of-range": Kind(422, "The time can't be used"),
    "times-reversed": Kind(422, "The link would end before it begins"),
    "title-invalid": Kind(422, "The title can't be used"),
    "tags-invalid": Kind(422, "The tags can't be used"),
    "required": Kind(422, "The field can't be removed"),
    "not-changeable": Kind(422, "The field can't be changed"),
    "not-yet-supported": Kind(422, "The field is not supported yet"),
    "span-invalid": Kind(422, "The time asked for can't be used"),
    "unknown-zone": Kind(422, "There is no such time zone"),
    "interval-invalid": Kind(422, "The interval can't be used"),
    "too-many-links": Kind(422, "Too many links are asked for at once"),
    "idempotency-key-reused": Kind(422, "The idempotency key came with another request before"),
    "internal": Kind(500, "The service failed"),
    "store-unavailable": Kind(503, "The store does not answer"),
    "too-many-listeners": Kind(503, "Too many listen to the live feed"),
    "not-ready": Kind(503, "The service is not ready"),
}


class Problem(Exception):
    """A request that can't be answered as asked.

    Attributes:
        kind: a key of KINDS.
        detail: what is wrong with this request, and how to mend it.
        field: the field, parameter or header at fault; None: no single one.
        headers: what the reply carries besides, such as Allow.
    """

    def __init__(
        self, kind: str, detail: str, *, field: str | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.field = field
        self.headers = headers or {}

    @property
    def status(self) -> int:
        return KINDS[self.kind].status


INTERNAL: Final = Problem("internal", "This is our fault; the log knows more under the request_id.")


def of(error: Exception) -> Problem | None:
    """The problem that an error of the domain is to who asked; None: it is a fault of ours."""
    match error:
        case Problem():
            return error
        case InvalidLink():
            return of_link(error)
        case StoreUnavailable():
            return Problem("store-unavailable", f"{error}.", headers={"Retry-After": "1"})
    return None


def of_link(error: InvalidLink) -> Problem:
    """The problem that a broken rule of links is."""
    text = str(error)
    return Problem(error.kind, f"{text[:1].upper()}{text[1:]}.", field=error.field)


def view(problem: Problem, request_id: str | None = None) -> ProblemView:
    """The members of a problem as they stand in a body."""
    kind = KINDS[problem.kind]
    return ProblemView(
        type="/problems/" + problem.kind,
        title=kind.title,
        status=kind.status,
        detail=problem.detail,
        field=problem.field,
        request_id=request_id,
    )


def response(problem: Problem, request_id: str | None) -> Response:
    """The reply to a request that met a problem."""
    body = msgspec.json.encode(view(problem, request_id))
    return Response(body, problem.status, dict(problem.headers), MEDIA_TYPE)
