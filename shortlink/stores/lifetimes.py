"""How long every store keeps what it does not keep for ever; `purge` forgets the rest."""

from typing import Final

DAY_MS: Final = 24 * 3_600_000
TOMBSTONE_MS: Final = 7 * DAY_MS  # longer than any copy of a link can live
FEED_MS: Final = DAY_MS
IDEMPOTENCY_MS: Final = DAY_MS
SALT_BYTES: Final = 16


def day_of(now_ms: int) -> int:
    """Days since the Unix epoch, UTC."""
    return now_ms // DAY_MS
