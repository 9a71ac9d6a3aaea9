"""Adding links: repeats of earlier requests, codes drawn until free, versions that go on from tombstones."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

import msgspec

from shortlink.codes import MAX_DRAWS
from shortlink.errors import StoreUnavailable
from shortlink.links import Added, Link, LinkKey, NewLink, Refused
from shortlink.stores.adding import Answers, by_code, link_to_store, until_a_repeat
from shortlink.stores.sqlite_file import Connection
from shortlink.stores.sqlite_links.rows import as_json, columns_of, get_links, insert_columns, insert_tags


class _Kept(NamedTuple):
    """What the table holds under a key."""

    version: int
    removed: bool


_KEPT: Final = (
    "SELECT json_group_array(json_array(domain, code, version, removed_at IS NOT NULL))"
    " FROM json_each(?) AS wanted CROSS JOIN link"
    " ON link.domain = wanted.value ->> 0 AND link.code = wanted.value ->> 1"
)
_REPEATS: Final = (
    "SELECT json_group_array(json_array(wanted.value ->> 2, fingerprint, idempotency.domain, idempotency.code,"
    " idempotency.version, link.code IS NULL)) FROM json_each(?) AS wanted CROSS JOIN idempotency"
    " ON idempotency.scope = wanted.value ->> 0 AND idempotency.key = wanted.value ->> 1"
    " LEFT JOIN link ON link.domain = idempotency.domain AND link.code = idempotency.code"
    " AND link.first_version = idempotency.version AND link.removed_at IS NULL"
)
_DELETE_TOMBSTONES: Final = (
    "DELETE FROM link WHERE removed_at IS NOT NULL"
    " AND (domain, code) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?))"
)

_decode_kept: Final = msgspec.json.Decoder(list[tuple[str, str, int, int]]).decode
_decode_repeats: Final = msgspec.json.Decoder(list[tuple[int, str, str, str, int, int]]).decode


def add_links(
    connection: Connection, news: Sequence[NewLink], now_ms: int, draw_code: Callable[[], str]
) -> list[Added | Refused]:
    """One answer a link, in order; as the contract's `add`."""
    answers: Answers = {}
    pending: Sequence[int] = range(len(news))
    while pending:
        answers |= _repeated(connection, news, pending)
        chosen, pending = until_a_repeat(news, [n for n in pending if n not in answers])
        answers |= _store(connection, news, chosen, now_ms, draw_code)
    return [answers[n] for n in range(len(news))]


def _repeated(connection: Connection, news: Sequence[NewLink], pending: Iterable[int]) -> Answers:
    """Answers to links whose idempotency key was seen in an earlier call, or an earlier round of this one."""
    asked = [(i.scope, i.key, n) for n in pending if (i := news[n].idempotency) is not None]
    if not asked:
        return {}
    found = _decode_repeats(connection.execute(_REPEATS, (as_json(asked),)).get)
    links = get_links(connection, {LinkKey(domain, code) for _, _, domain, code, _, gone in found if not gone})
    answers: Answers = {}
    for n, fingerprint, domain, code, _, gone in found:
        idempotency = news[n].idempotency
        if idempotency is None or fingerprint != idempotency.fingerprint.hex():
            answers[n] = Refused.IDEMPOTENCY_REUSED
        elif gone:
            answers[n] = Refused.IDEMPOTENCY_REMOVED
        else:
            answers[n] = Added(links[LinkKey(domain, code)], replayed=True)
    return answers


def _store(
    connection: Connection, news: Sequence[NewLink], chosen: Iterable[int], now_ms: int, draw_code: Callable[[], str]
) -> Answers:
    places, to_draw, answers = by_code(news, chosen)
    kept = _kept(connection, places)
    for key in [key for key, row in kept.items() if not row.removed]:
        answers[places.pop(key)] = Refused.TAKEN
    _draw(connection, news, to_draw, places, draw_code)
    versions = {key: row.version for key, row in kept.items()}
    links = [link_to_store(news[n], key, versions.get(key), now_ms) for key, n in places.items()]
    if links:
        _insert(connection, links, tombstones=[key for key in places if key in kept])
        _remember(connection, [(news[n], link) for n, link in zip(places.values(), links, strict=True)])
    answers.update(zip(places.values(), map(Added, links), strict=True))
    return answers


def _draw(
    connection: Connection,
    news: Sequence[NewLink],
    to_draw: Sequence[int],
    places: dict[LinkKey, int],
    draw_code: Callable[[], str],
) -> None:
    """Give each of `to_draw` a place under a code that was never used, not even by a removed link."""
    for _ in range(MAX_DRAWS):
        if not to_draw:
            return
        drawn: dict[LinkKey, int] = {}
        again = []
        for n in to_draw:
            key = LinkKey(news[n].domain, draw_code())
            if key in places or drawn.setdefault(key, n) != n:
                again.append(n)
        again.extend(drawn.pop(key) for key in _kept(connection, drawn))
        places |= drawn
        to_draw = again
    if to_draw:
        raise StoreUnavailable(
            f"no free code in {MAX_DRAWS} draws: nearly all are taken, or the source of chance is broken"
        )


def _kept(connection: Connection, keys: Iterable[LinkKey]) -> dict[LinkKey, _Kept]:
    asked = as_json(keys)
    if asked == "[]":
        return {}
    rows = _decode_kept(connection.execute(_KEPT, (asked,)).get)
    return {LinkKey(domain, code): _Kept(version, bool(removed)) for domain, code, version, removed in rows}


def _insert(connection: Connection, links: Sequence[Link], tombstones: Sequence[LinkKey]) -> None:
    if tombstones:
        connection.execute(_DELETE_TOMBSTONES, (as_json(tombstones),))
    columns = columns_of(links)
    insert_columns(connection, "link", {**columns, "first_version": columns["version"]})
    insert_tags(connection, links)
    connection.execute("UPDATE meta SET value = value + ? WHERE name = 'links'", (len(links),))


def _remember(connection: Connection, stored: Sequence[tuple[NewLink, Link]]) -> None:
    """Keep what was answered to each idempotency key."""
    rows = [
        (i.scope, i.key, i.fingerprint.hex(), link.domain, link.code, link.version, link.created_at)
        for new, link in stored
        if (i := new.idempotency) is not None
    ]
    if rows:
        names = ("scope", "key", "fingerprint", "domain", "code", "version", "at_ms")
        insert_columns(connection, "idempotency", dict(zip(names, zip(*rows, strict=True), strict=True)))
