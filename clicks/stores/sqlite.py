"""Clicks in SQLite: one file, written by the shipper alone, read by whoever shows figures."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeVar

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
from clicks.stores.rows import CLASSES, BatchRows, batch_rows, by_class, events_reason, of_clicks, of_events
from shortlink.clock import Clock
from shortlink.links import LinkKey
from shortlink.stores.sqlite_file import Connection, SqliteFile

Answer = TypeVar("Answer")

MIGRATIONS: Final = Path(__file__).with_name("migrations") / "sqlite"


class SqliteClickStore:
    """A ClickStore in one SQLite file. Opened read-only, a file that is not there yet has counted nothing."""

    def __init__(self, path: Path, clock: Clock, *, read_only: bool = False) -> None:
        self._path = path
        self._clock = clock
        self._read_only = read_only
        self._file = SqliteFile(path, MIGRATIONS, read_only=read_only)

    async def open(self) -> None:
        if not self._read_only and not await asyncio.to_thread(self._path.exists):
            await self._create()
        await self._file.open()

    async def close(self) -> None:
        await self._file.close()

    async def add(self, batch: ClickBatch) -> bool:
        rows, now_ms = batch_rows(batch), self._clock.now_ms()  # made ahead, to keep the transaction short
        return await self._file.write(lambda db: _add(db, batch, rows, now_ms))

    async def watermarks(self) -> dict[bytes, int]:
        return await self._read(lambda db: dict(db.execute("SELECT epoch, seq FROM watermark")), {})

    async def forget_epochs(self, epochs: Sequence[bytes], now_ms: int) -> int:
        def work(db: Connection) -> int:
            db.executemany(_TOUCH, [(now_ms, epoch) for epoch in epochs])
            db.execute("DELETE FROM watermark WHERE touched_at <= ?", (now_ms - WATERMARK_KEPT_MS,))
            return db.changes()

        return await self._file.write(work)

    async def totals(self, keys: Sequence[LinkKey]) -> dict[LinkKey, Mapping[TrafficClass, int]]:
        def work(db: Connection) -> dict[LinkKey, Mapping[TrafficClass, int]]:
            # Key by key: a look-up costs microseconds, and one statement serves any number of keys.
            found = ((key, by_class(db.execute(_TOTAL, key))) for key in keys)
            return {key: clicks for key, clicks in found if clicks}

        return await self._read(work, {})

    async def service_totals(self) -> Mapping[TrafficClass, int]:
        return await self._read(lambda db: by_class(db.execute("SELECT class, clicks FROM service_total")), {})

    async def dropped(self) -> Mapping[str, int]:
        return await self._read(lambda db: of_clicks(db.execute(_DROPPED)), {})

    async def add_events_dropped(self, sink: str, reason: str, events: int) -> None:
        row = (events_reason(sink, reason), events)
        await self._file.write(lambda db: db.execute(_ADD_DROPPED, row))

    async def events_dropped(self) -> Mapping[str, int]:
        return await self._read(lambda db: of_events(db.execute(_DROPPED)), {})

    async def series(self, key: LinkKey | None, since_ms: int, until_ms: int) -> Series:
        hours = whole_hours(since_ms, until_ms)
        span = (since_ms // HOUR_MS, until_ms // HOUR_MS)

        def work(db: Connection) -> dict[int, dict[TrafficClass, int]]:
            rows = db.execute(_SERVICE_HOURS, span) if key is None else db.execute(_HOURS, (*key, *span))
            clicks: dict[int, dict[TrafficClass, int]] = defaultdict(dict)
            for hour, number, count in rows:
                clicks[hour * HOUR_MS][CLASSES[number]] = count
            return clicks

        nothing: dict[int, dict[TrafficClass, int]] = {}
        clicks = await self._read(work, nothing)
        return Series([SeriesPoint(hour_ms, clicks.get(hour_ms, {})) for hour_ms in hours])

    async def add_orphans(self, visits: Mapping[LinkKey, int], at_ms: int) -> None:
        rows = [(*key, clicks, at_ms) for key, clicks in sorted(visits.items())]

        def work(db: Connection) -> None:
            db.executemany(_ADD_ORPHAN, rows)
            db.execute(_EVICT_ORPHANS, (MAX_ORPHANS,))

        await self._file.write(work)

    async def orphans(self, limit: int) -> Sequence[Orphan]:
        nothing: Sequence[Orphan] = ()
        return await self._read(lambda db: [Orphan(*row) for row in db.execute(_ORPHANS, (limit,))], nothing)

    async def forget_orphans(self) -> int:
        def work(db: Connection) -> int:
            db.execute("DELETE FROM orphan")
            return db.changes()

        return await self._file.write(work)

    async def _create(self) -> None:
        """Make the file under another name and move it into place: no reader meets it without its tables."""
        draft = self._path.with_suffix(".new")
        file = SqliteFile(draft, MIGRATIONS)
        await file.open()
        await file.close()  # which leaves no log behind
        await asyncio.to_thread(draft.rename, self._path)

    async def _read(self, work: Callable[[Connection], Answer], nothing: Answer) -> Answer:
        if self._read_only and not self._path.exists():
            return nothing
        return await self._file.read(work)


def _add(db: Connection, batch: ClickBatch, rows: BatchRows, now_ms: int) -> bool:
    """Compare the watermark, then count and set it; called within one transaction."""
    reached = db.execute("SELECT seq FROM watermark WHERE epoch = ?", (batch.epoch,)).fetchone()
    if (reached[0] if reached else 0) != batch.after_seq:
        return False
    db.executemany(_ADD_TOTAL, [(domain, code, number, clicks) for domain, code, _, number, clicks in rows.hours])
    db.executemany(_ADD_HOUR, rows.hours)
    db.executemany(_ADD_SERVICE_TOTAL, [(number, clicks) for _, number, clicks in rows.service])
    db.executemany(_ADD_SERVICE_HOUR, rows.service)
    db.executemany(_ADD_DROPPED, list(batch.dropped.items()))
    db.execute(_SET_WATERMARK, (batch.epoch, batch.last_seq, now_ms))
    return True


_ADD_TOTAL: Final = """INSERT INTO click_total (domain, code, class, clicks) VALUES (?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET clicks = clicks + excluded.clicks"""
_ADD_HOUR: Final = """INSERT INTO click_hour (domain, code, hour, class, clicks) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET clicks = clicks + excluded.clicks"""
_ADD_SERVICE_TOTAL: Final = """INSERT INTO service_total (class, clicks) VALUES (?, ?)
    ON CONFLICT DO UPDATE SET clicks = clicks + excluded.clicks"""
_ADD_SERVICE_HOUR: Final = """INSERT INTO service_hour (hour, class, clicks) VALUES (?, ?, ?)
    ON CONFLICT DO UPDATE SET clicks = clicks + excluded.clicks"""
_ADD_DROPPED: Final = """INSERT INTO dropped (reason, clicks) VALUES (?, ?)
    ON CONFLICT DO UPDATE SET clicks = clicks + excluded.clicks"""
_DROPPED: Final = "SELECT reason, clicks FROM dropped"
_SET_WATERMARK: Final = "INSERT OR REPLACE INTO watermark (epoch, seq, touched_at) VALUES (?, ?, ?)"
_TOUCH: Final = "UPDATE watermark SET touched_at = ? WHERE epoch = ?"
_TOTAL: Final = "SELECT class, clicks FROM click_total WHERE domain = ? AND code = ?"
_HOURS: Final = "SELECT hour, class, clicks FROM click_hour WHERE domain = ? AND code = ? AND hour >= ? AND hour < ?"
_SERVICE_HOURS: Final = "SELECT hour, class, clicks FROM service_hour WHERE hour >= ? AND hour < ?"
_ADD_ORPHAN: Final = """INSERT INTO orphan (domain, code, clicks, last_at) VALUES (?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET clicks = clicks + excluded.clicks, last_at = max(last_at, excluded.last_at)"""
_EVICT_ORPHANS: Final = """DELETE FROM orphan WHERE (domain, code) IN
    (SELECT domain, code FROM orphan ORDER BY clicks DESC, last_at DESC, domain, code LIMIT -1 OFFSET ?)"""
_ORPHANS: Final = """SELECT domain, code, clicks, last_at FROM orphan
    ORDER BY clicks DESC, last_at DESC, domain, code LIMIT ?"""
