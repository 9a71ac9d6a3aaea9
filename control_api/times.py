"""Times at the JSON edge: milliseconds since the Unix epoch inside, RFC 3339 outside."""

from datetime import UTC, datetime, timedelta
from typing import Final, overload

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)


@overload
def to_ms(time: datetime) -> int: ...
@overload
def to_ms(time: None) -> None: ...
def to_ms(time: datetime | None) -> int | None:
    """Exact milliseconds of a time with its zone; parts of a millisecond are cut off."""
    return None if time is None else (time - _EPOCH) // _MS


@overload
def to_time(ms: int) -> datetime: ...
@overload
def to_time(ms: None) -> None: ...
def to_time(ms: int | None) -> datetime | None:
    """The UTC time of milliseconds, which encodes as RFC 3339."""
    return None if ms is None else _EPOCH + timedelta(milliseconds=ms)
