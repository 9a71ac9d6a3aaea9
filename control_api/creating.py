"""From a body to a link in the store: the part of creating that one link and many have in common."""

import hashlib
from typing import Final

from control_api.problems import Problem
from control_api.schemas import NewLinkBody
from control_api.times import to_ms
from shortlink.links import Idempotency, Link, NewLink, Refused
from shortlink.rules import LinkRules

MAX_IDEMPOTENCY_KEY: Final = 255


def new_link(rules: LinkRules, body: NewLinkBody, owner_key: str | None, idempotency: Idempotency | None) -> NewLink:
    """The link that a body asks for. InvalidLink: it breaks a rule."""
    return rules.new(
        url=body.url,
        alias=body.alias,
        domain=body.domain,
        status=body.status,
        cache_control=body.cache_control,
        not_before=to_ms(body.not_before),
        expires_at=to_ms(body.expires_at),
        max_visits=body.max_visits,
        expired_target=body.expired_target,
        password=body.password,
        forward_query=body.forward_query,
        rules=body.rules,
        title=body.title,
        tags=body.tags,
        enabled=body.enabled,
        owner_key=owner_key,
        idempotency=idempotency,
    )


def idempotency(caller_id: str, key: str, request: bytes) -> Idempotency:
    """What makes a repeated request answer as the first did: the same bytes under the same key by the same caller."""
    return Idempotency(caller_id, key, hashlib.sha256(request).digest())


def refusal(refused: Refused, link: NewLink, key_field: str = "Idempotency-Key") -> Problem:
    """The problem that a refused link met; `key_field` is where its idempotency key stood."""
    kind, detail = _REFUSALS[refused]
    return Problem(kind, detail.format(alias=link.code), field="alias" if refused is Refused.TAKEN else key_field)


def location(link: Link) -> str:
    """Where the API shows a link."""
    return f"/api/links/{link.code}" + (f"?domain={link.domain}" if link.domain else "")


_REFUSALS: Final = {
    Refused.TAKEN: ("alias-taken", "{alias} belongs to another link: choose another alias."),
    Refused.IDEMPOTENCY_REUSED: (
        "idempotency-key-reused",
        "Another request came with this idempotency key before: use a new key for a new request.",
    ),
    Refused.IDEMPOTENCY_REMOVED: (
        "idempotency-key-spent",
        "The link that the first request with this key made was removed: use a new key to make it again.",
    ),
}
