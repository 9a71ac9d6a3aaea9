"""Clicks in PostgreSQL: written by the shippers of all nodes, read by whoever shows figures."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from clicks.counts import (
    HOUR_MS,
    MAX_ORPHANS,
    WATERMARK_KEPT_MS,
    ClickBatch,
    Orphan,
    Series,
    SeriesPoint,
    TrafficClass,
    whole_hours,
)
from clicks.stores.postgres_partitions import keep_partitions
from clicks.stores.rows import CLASSES, batch_rows, by_class, events_reason, of_clicks, of_events
from shortlink.clock import Clock
from shortlink.errors import StoreUnavailable
from shortlink.links import LinkKey
from shortlink.stores.postgres_database import Connection, PostgresDatabase

MIGRATIONS: Final = Path(__file__).with_name("migrations") / "postgres"
TRACK: Final = "clicks"


class PostgresClickStore:
    """A ClickStore that any number of shippers share.

    Args:
        database: a pool of its own, so that counting and serving never wait for each other.
        clock: tells when a watermark was touched.
        read_only: for those who show figures.
        node: names the node whose watermarks these are: only it knows when its segments are gone.
        hours_kept_days: hourly counts older than this are dropped a month at a time; 0: never. Totals stay.
    """

    def __init__(
        self,
        database: PostgresDatabase,
        clock: Clock,
        *,
        node: str = "",
        read_only: bool = False,
        hours_kept_days: int = 0,
    ) -> None:
        self._database = database
        self._clock = clock
        self._node = node
        self._read_only = read_only
        # What waits for its turn has not begun: a deadline is for the database's answer.
        self._turns = asyncio.Semaphore(database.connections)
        self._hours_kept_days = hours_kept_days

    async def open(self) -> None:
        if self._read_only:
            # Zeros can be shown before anything was counted; a database that is away must keep nobody from starting.
            with contextlib.suppress(StoreUnavailable):
                await self._database.migrate(TRACK, MIGRATIONS)
            return
        await self._database.migrate(TRACK, MIGRATIONS)
        await self._keep_partitions(self._clock.now_ms())

    async def close(self) -> None:
        await self._database.close()

    async def add(self, batch: ClickBatch) -> bool:
        rows = batch_rows(batch)  # made ahead, to keep the transaction short
        async with self._turns, self._database.transaction() as connection:
            now_ms = self._clock.now_ms()
            moved = await connection.fetchval(_MOVE, batch.epoch, batch.after_seq, batch.last_seq, now_ms, self._node)
            if moved is None:
                return False
            await _add(connection, _ADD_TOTALS, rows.hours)
            await _add(connection, _ADD_HOURS, rows.hours)
            await _add(connection, _ADD_DROPPED, sorted(batch.dropped.items()))
            # Last, because every shipper writes these few rows, and waits for whoever holds them.
            await _add(connection, _ADD_SERVICE_HOURS, rows.service)
            await _add(connection, _ADD_SERVICE_TOTALS, rows.service)
        return True

    async def watermarks(self) -> dict[bytes, int]:
        return dict(map(tuple, await self._database.fetch("SELECT epoch, seq FROM watermark")))

    async def forget_epochs(self, epochs: Sequence[bytes], now_ms: int) -> int:
        """As the contract says; partitions of hourly counts are made ahead and dropped here too."""
        await self._keep_partitions(now_ms)
        await self._database.write(_TOUCH, now_ms, list(epochs))
        return len(await self._database.write(_FORGET, now_ms - WATERMARK_KEPT_MS, self._node))

    async def totals(self, keys: Sequence[LinkKey]) -> dict[LinkKey, Mapping[TrafficClass, int]]:
        found: dict[LinkKey, dict[TrafficClass, int]] = defaultdict(dict)
        domains, codes = [key.domain for key in keys], [key.code for key in keys]
        for domain, code, number, clicks in await self._database.fetch(_TOTALS, domains, codes):
            found[LinkKey(domain, code)][CLASSES[number]] = clicks
        return {key: found[key] for key in keys if key in found}

    async def service_totals(self) -> Mapping[TrafficClass, int]:
        return by_class(map(tuple, await self._database.fetch("SELECT class, clicks FROM service_total")))

    async def dropped(self) -> Mapping[str, int]:
        return of_clicks(map(tuple, await self._database.fetch(_DROPPED)))

    async def add_events_dropped(self, sink: str, reason: str, events: int) -> None:
        await self._database.write(_ADD_DROPPED, [events_reason(sink, reason)], [events])

    async def events_dropped(self) -> Mapping[str, int]:
        return of_events(map(tuple, await self._database.fetch(_DROPPED)))

    async def series(self, key: LinkKey | None, since_ms: int, until_ms: int) -> Series:
        hours = whole_hours(since_ms, until_ms)
        span = (since_ms // HOUR_MS, until_ms // HOUR_MS)
        rows = await (
            self._database.fetch(_SERVICE_HOURS, *span) if key is None else self._database.fetch(_HOURS, *span, *key)
        )
        clicks: dict[int, dict[TrafficClass, int]] = defaultdict(dict)
        for hour, number, count in rows:
            clicks[hour * HOUR_MS][CLASSES[number]] = count
        return Series([SeriesPoint(hour_ms, clicks.get(hour_ms, {})) for hour_ms in hours])

    async def add_orphans(self, visits: Mapping[LinkKey, int], at_ms: int) -> None:
        rows = [(*key, clicks, at_ms) for key, clicks in sorted(visits.items())]
        async with self._turns, self._database.transaction() as connection:
            await connection.execute(_ORPHANS_TURN)
            await _add(connection, _ADD_ORPHANS, rows)
            await connection.execute(_EVICT_ORPHANS, MAX_ORPHANS)

    async def orphans(self, limit: int) -> Sequence[Orphan]:
        return [Orphan(*row) for row in await self._database.fetch(_ORPHANS, limit)]

    async def forget_orphans(self) -> int:
        async with self._turns, self._database.transaction() as connection:
            await connection.execute(_ORPHANS_TURN)
            return len(await connection.fetch("DELETE FROM orphan RETURNING 1"))

    async def _keep_partitions(self, now_ms: int) -> None:
        await keep_partitions(self._database, now_ms, self._hours_kept_days)


async def _add(connection: Connection, sql: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Add rows given one by one, column by column."""
    if rows:
        await connection.execute(sql, *map(list, zip(*rows, strict=True)))


# Moves the watermark only from where these counts go on; of two shippers that count the same, one waits here and loses.
_MOVE: Final = """INSERT INTO watermark AS held (epoch, seq, touched_at, node)
    SELECT $1, $3, $4, $5 WHERE $2::bigint = 0 OR EXISTS (SELECT FROM watermark WHERE epoch = $1)
    ON CONFLICT (epoch) DO UPDATE SET seq = excluded.seq, touched_at = excluded.touched_at WHERE held.seq = $2
    RETURNING seq"""
_TOUCH: Final = "UPDATE watermark SET touched_at = $1 WHERE epoch = ANY($2)"
_FORGET: Final = "DELETE FROM watermark WHERE touched_at <= $1 AND node = $2 RETURNING 1"
_ADD_TOTALS: Final = """INSERT INTO click_total AS held (domain, code, class, clicks)
    SELECT domain, code, class, sum(clicks)
    FROM unnest($1::text[], $2::text[], $3::integer[], $4::smallint[], $5::bigint[])
        AS n(domain, code, hour, class, clicks)
    GROUP BY domain, code, class ORDER BY domain COLLATE "C", code COLLATE "C", class
    ON CONFLICT (domain, code, class) DO UPDATE SET clicks = held.clicks + excluded.clicks"""
_ADD_HOURS: Final = """INSERT INTO click_hour AS held (domain, code, hour, class, clicks)
    SELECT * FROM unnest($1::text[], $2::text[], $3::integer[], $4::smallint[], $5::bigint[])
    ON CONFLICT (domain, code, hour, class) DO UPDATE SET clicks = held.clicks + excluded.clicks"""
_ADD_SERVICE_TOTALS: Final = """INSERT INTO service_total AS held (class, clicks)
    SELECT class, sum(clicks) FROM unnest($1::integer[], $2::smallint[], $3::bigint[]) AS n(hour, class, clicks)
    GROUP BY class ORDER BY class
    ON CONFLICT (class) DO UPDATE SET clicks = held.clicks + excluded.clicks"""
_ADD_SERVICE_HOURS: Final = """INSERT INTO service_hour AS held (hour, class, clicks)
    SELECT * FROM unnest($1::integer[], $2::smallint[], $3::bigint[])
    ON CONFLICT (hour, class) DO UPDATE SET clicks = held.clicks + excluded.clicks"""
_DROPPED: Final = "SELECT reason, clicks FROM dropped"
_ADD_DROPPED: Final = """INSERT INTO dropped AS held (reason, clicks)
    SELECT * FROM unnest($1::text[], $2::bigint[])
    ON CONFLICT (reason) DO UPDATE SET clicks = held.clicks + excluded.clicks"""
_TOTALS: Final = """SELECT t.domain, t.code, t.class, t.clicks
    FROM unnest($1::text[], $2::text[]) AS wanted(domain, code)
    JOIN click_total t ON t.domain = wanted.domain AND t.code = wanted.code"""
_HOURS: Final = """SELECT hour, class, clicks FROM click_hour
    WHERE hour >= $1 AND hour < $2 AND domain = $3 AND code = $4"""
_SERVICE_HOURS: Final = "SELECT hour, class, clicks FROM service_hour WHERE hour >= $1 AND hour < $2"
# One shipper at a time: what one forgets, another may be adding to, and each would wait for the other.
_ORPHANS_TURN: Final = "SELECT pg_advisory_xact_lock(7305804402464567349)"
_ADD_ORPHANS: Final = """INSERT INTO orphan AS held (domain, code, clicks, last_at)
    SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[])
    ON CONFLICT (domain, code) DO UPDATE
    SET clicks = held.clicks + excluded.clicks, last_at = greatest(held.last_at, excluded.last_at)"""
_EVICT_ORPHANS: Final = """DELETE FROM orphan WHERE (domain, code) IN
    (SELECT domain, code FROM orphan ORDER BY clicks DESC, last_at DESC, domain, code OFFSET $1)"""
_ORPHANS: Final = """SELECT domain, code, clicks, last_at FROM orphan
    ORDER BY clicks DESC, last_at DESC, domain, code LIMIT $1"""
