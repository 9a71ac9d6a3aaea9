"""What stores do alike with links to add: which wait for an earlier one's answer, and what is stored of each."""

from collections.abc import Iterable, Sequence

from shortlink.links import Added, Link, LinkKey, NewLink, Refused
from shortlink.stores.versions import next_version

Answers = dict[int, Added | Refused]  # by place in the call


def until_a_repeat(news: Sequence[NewLink], pending: Sequence[int]) -> tuple[Sequence[int], Sequence[int]]:
    """Those to store now, and from the first on that repeats a request among them: it must see that one's answer.

    All behind it wait too, so that of two equal aliases the first wins whatever comes between.
    """
    seen: set[tuple[str, str]] = set()
    for place, n in enumerate(pending):
        idempotency = news[n].idempotency
        if idempotency is None:
            continue
        request = idempotency.scope, idempotency.key
        if request in seen:
            return pending[:place], pending[place:]
        seen.add(request)
    return pending, ()


def by_code(news: Sequence[NewLink], chosen: Iterable[int]) -> tuple[dict[LinkKey, int], list[int], Answers]:
    """Places of aliases by key, places of links that draw a code, and the answers to aliases that came twice."""
    aliases: dict[LinkKey, int] = {}
    to_draw: list[int] = []
    answers: Answers = {}
    for n in chosen:
        code = news[n].code
        if code is None:
            to_draw.append(n)
        elif aliases.setdefault(LinkKey(news[n].domain, code), n) != n:
            answers[n] = Refused.TAKEN
    return aliases, to_draw, answers


def link_to_store(new: NewLink, key: LinkKey, previous_version: int | None, now_ms: int) -> Link:
    """The link as it is stored under `key`; `previous_version`: of the tombstone there, None: there is none."""
    return Link(
        domain=key.domain,
        code=key.code,
        target=new.target,
        status=new.status,
        cache_control=new.cache_control,
        not_before=new.not_before,
        expires_at=new.expires_at,
        max_visits=new.max_visits,
        expired_target=new.expired_target,
        password_hash=new.password_hash,
        forward_query=new.forward_query,
        rules=new.rules,
        title=new.title,
        tags=new.tags,
        enabled=new.enabled,
        owner_key=new.owner_key,
        created_at=now_ms,
        updated_at=now_ms,
        version=next_version(previous_version, now_ms),
    )
