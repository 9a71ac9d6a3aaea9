"""Which rows of a block ClickHouse refuses, when it refuses the block."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from clicks.ingest.contract import RowsRefused

# A click such as the shipper makes them: when ClickHouse refuses even this one, no row is to blame.
PLAIN: Final = (
    b'{"v":1,"epoch":"00000000-0000-4000-8000-000000000000","seq":1,"node":"","worker":0,"time":1700000000000,'
    b'"clicks":1,"domain":"","code":"0000000","variant":0,"class":"human","reason":"","browser":"","os":"",'
    b'"device":"","user_agent":"","visitor":"0","network":"","country":"","city":"","referrer":"",'
    b'"referrer_host":"","language":"","utm_source":"","utm_medium":"","utm_campaign":"","utm_term":"",'
    b'"utm_content":""}'
)


async def refused_rows(lines: Sequence[bytes], attempt: Callable[[Sequence[bytes]], Awaitable[None]]) -> dict[int, str]:
    """ClickHouse's reason for each row that it refuses, by index. Empty: it is not about the rows.

    Args:
        lines: rows of JSON, as they were to be inserted.
        attempt: reads rows and keeps none of them. RowsRefused.
    """
    if await _reason(attempt, [PLAIN]) is not None:
        return {}
    reasons: dict[int, str] = {}
    parts = [(0, len(lines))]
    while parts:
        start, end = parts.pop()
        reason = await _reason(attempt, lines[start:end])
        if reason is not None and end - start > 1:
            middle = (start + end) // 2
            parts += [(start, middle), (middle, end)]
        elif reason is not None:
            reasons[start] = reason
    return reasons


async def _reason(attempt: Callable[[Sequence[bytes]], Awaitable[None]], lines: Sequence[bytes]) -> str | None:
    try:
        await attempt(lines)
    except RowsRefused as exc:
        return str(exc)
    return None
