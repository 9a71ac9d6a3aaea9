"""Adding links: repeats of earlier requests, codes drawn until free, versions that go on from tombstones."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Final

from msgspec.structs import replace

from shortlink.codes import MAX_DRAWS
from shortlink.errors import StoreUnavailable
from shortlink.links import Added, LinkKey, NewLink, Refused
from shortlink.stores.adding import Answers, by_code, link_to_store, until_a_repeat
from shortlink.stores.postgres_database import Connection, PostgresDatabase
from shortlink.stores.postgres_links.rows import COLUMNS, LOCK, columns_of, insert, link_of

Ask = Callable[..., Awaitable[Sequence[Any]]]  # one statement and its arguments: the rows that it returns

# A generated code that is taken is drawn again; an alias may take a tombstone's place, and goes on from its version.
_SKIP: Final = "ON CONFLICT DO NOTHING RETURNING domain, code, version"
_NOT_KEPT: Final = ("domain", "code", "version", "first_version")
_REVIVE: Final = (
    "ON CONFLICT (domain, code) DO UPDATE SET {kept}, removed_at = NULL,"
    " version = greatest(excluded.version, link.version + 1),"
    " first_version = greatest(excluded.version, link.version + 1)"
    " WHERE link.removed_at IS NOT NULL RETURNING domain, code, version"
)
# Of two requests with one key that come at once, the second waits here until the first is done.
_RESERVE: Final = (
    "INSERT INTO idempotency (scope, key, fingerprint, at_ms)"
    " SELECT scope, key, fingerprint, $4"
    " FROM unnest($1::text[], $2::text[], $3::bytea[]) AS asked(scope, key, fingerprint)"
    " ORDER BY scope, key ON CONFLICT DO NOTHING RETURNING scope, key"
)
_REPEATS: Final = (
    f"SELECT idempotency.scope, idempotency.key, fingerprint, link.code IS NOT NULL, {COLUMNS}"  # noqa: S608
    " FROM unnest($1::text[], $2::text[]) AS asked(scope, key) JOIN idempotency USING (scope, key)"
    " LEFT JOIN link ON link.domain = idempotency.domain AND link.code = idempotency.code"
    " AND link.first_version = idempotency.version AND link.removed_at IS NULL"
)
_REMEMBER: Final = (
    "UPDATE idempotency SET domain = made.domain, code = made.code, version = made.version"
    " FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[])"
    " AS made(scope, key, domain, code, version)"
    " WHERE idempotency.scope = made.scope AND idempotency.key = made.key"
)
_FORGET: Final = (
    "DELETE FROM idempotency USING unnest($1::text[], $2::text[]) AS gone(scope, key)"
    " WHERE idempotency.scope = gone.scope AND idempotency.key = gone.key"
)


async def add_links(
    database: PostgresDatabase, news: Sequence[NewLink], now_ms: int, draw_code: Callable[[], str]
) -> list[Added | Refused]:
    """One answer a link, in order; as the contract's `add`."""
    answers: Answers = {}
    if all(new.idempotency is None for new in news) and len({new.code is None for new in news}) == 1:
        # One statement, which is a transaction of its own: a fourth of the round trips.
        answers = await _store(database.write, news, range(len(news)), now_ms, draw_code)
        return [answers[n] for n in range(len(news))]
    async with database.transaction(LOCK) as connection:
        pending: Sequence[int] = range(len(news))
        while pending:
            chosen, pending = until_a_repeat(news, pending)
            answers |= await _add(connection, news, chosen, now_ms, draw_code)
        return [answers[n] for n in range(len(news))]


async def _add(
    connection: Connection, news: Sequence[NewLink], chosen: Sequence[int], now_ms: int, draw_code: Callable[[], str]
) -> Answers:
    answers = await _repeated(connection, news, chosen, now_ms)
    stored = await _store(connection.fetch, news, [n for n in chosen if n not in answers], now_ms, draw_code)
    await _remember(connection, news, stored)
    return answers | stored


async def _repeated(connection: Connection, news: Sequence[NewLink], chosen: Iterable[int], now_ms: int) -> Answers:
    """Answers to links whose idempotency key was seen before; the keys of the others are reserved."""
    asked = {(i.scope, i.key): n for n in chosen if (i := news[n].idempotency) is not None}
    if not asked:
        return {}
    scopes, keys = zip(*asked, strict=True)
    fingerprints = [i.fingerprint for n in asked.values() if (i := news[n].idempotency) is not None]
    ours = {tuple(row) for row in await connection.fetch(_RESERVE, scopes, keys, fingerprints, now_ms)}
    if len(ours) == len(asked):
        return {}
    answers: Answers = {}
    for scope, key, fingerprint, is_there, *row in await connection.fetch(_REPEATS, scopes, keys):
        n = asked[scope, key]
        if (scope, key) in ours:
            continue
        idempotency = news[n].idempotency
        if idempotency is None or fingerprint != idempotency.fingerprint:
            answers[n] = Refused.IDEMPOTENCY_REUSED
        else:
            answers[n] = Added(link_of(row), replayed=True) if is_there else Refused.IDEMPOTENCY_REMOVED
    return answers


async def _store(
    ask: Ask, news: Sequence[NewLink], chosen: Iterable[int], now_ms: int, draw_code: Callable[[], str]
) -> Answers:
    """Insert aliases, then links that draw their code, until each of these has one."""
    places, to_draw, answers = by_code(news, chosen)
    aliases = frozenset(places)
    answers |= dict.fromkeys(places.values(), Refused.TAKEN)
    answers |= await _insert(ask, news, places, now_ms, revive=True)
    for _ in range(MAX_DRAWS):
        if not to_draw:
            break
        places = {}
        for n in to_draw:
            key = LinkKey(news[n].domain, draw_code())
            if key not in aliases:
                places.setdefault(key, n)
        answers |= await _insert(ask, news, places, now_ms, revive=False)
        to_draw = [n for n in to_draw if n not in answers]
    if to_draw:
        raise StoreUnavailable(
            f"no free code in {MAX_DRAWS} draws: nearly all are taken, or the source of chance is broken"
        )
    return answers


async def _insert(
    ask: Ask, news: Sequence[NewLink], places: dict[LinkKey, int], now_ms: int, *, revive: bool
) -> Answers:
    """Insert links under these keys; those whose key is taken have no answer."""
    if not places:
        return {}
    made = {key: link_to_store(news[n], key, None, now_ms) for key, n in sorted(places.items())}
    columns = columns_of(list(made.values()))
    kept = ", ".join(f"{name} = excluded.{name}" for name in columns if name not in _NOT_KEPT)
    sql, arguments = insert(columns, _REVIVE.format(kept=kept) if revive else _SKIP)
    answers: Answers = {}
    for domain, code, version in await ask(sql, *arguments):
        key = LinkKey(domain, code)
        link = made[key]
        answers[places[key]] = Added(link if link.version == version else replace(link, version=version))
    return answers


async def _remember(connection: Connection, news: Sequence[NewLink], stored: Answers) -> None:
    """Keep what was answered to each reserved key; a refused request may come again with its key."""
    made, refused = [], []
    for n, answer in stored.items():
        if (i := news[n].idempotency) is None:
            continue
        if isinstance(answer, Added):
            made.append((i.scope, i.key, answer.link.domain, answer.link.code, answer.link.version))
        else:
            refused.append((i.scope, i.key))
    if made:
        await connection.execute(_REMEMBER, *zip(*made, strict=True))
    if refused:
        await connection.execute(_FORGET, *zip(*refused, strict=True))
