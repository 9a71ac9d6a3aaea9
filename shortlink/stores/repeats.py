"""Requests of one call that repeat each other by their idempotency keys."""

from collections.abc import Sequence

from shortlink.links import NewLink


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
