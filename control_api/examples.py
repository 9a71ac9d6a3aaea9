"""One example of each reply, for the OpenAPI document; made of the real bodies, so that none can be wrong."""

from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from control_api.access.keys import Scope
from control_api.schemas import (
    HealthDetailView,
    HealthView,
    HourView,
    KeyListView,
    KeyView,
    LinkListView,
    LinkStatsView,
    LinkView,
    MadeKeyView,
    ServiceStatsView,
)

_NOW: Final = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
_HOUR: Final = HourView(start=datetime(2026, 3, 1, 12, tzinfo=UTC), clicks=12)
_BY_CLASS: Final = {"human": 40, "bot": 2, "preview": 1, "prefetch": 0, "monitor": 0, "head": 1}
_LINK: Final = LinkView(
    code="welcome",
    short_url="https://go.example.com/welcome",
    target="https://example.com/welcome",
    domain="",
    status=302,
    cache_control="private, max-age=0",
    not_before=None,
    expires_at=None,
    max_visits=None,
    expired_target=None,
    forward_query=False,
    title="Welcome page",
    tags=("campaign", "spring"),
    enabled=True,
    created_at=_NOW,
    updated_at=_NOW,
    version="116154531020800000",
)
_KEY: Final = KeyView(
    id="key_0123456789abcdef",
    prefix="Ab3dEf9h",
    name="website",
    scopes=[Scope.LINKS_READ, Scope.LINKS_WRITE],
    created_at=_NOW,
    expires_at=None,
    revoked_at=None,
    last_used_at=None,
)

_VIEWS: Final[tuple[msgspec.Struct, ...]] = (
    _LINK,
    LinkListView(links=[_LINK], next_cursor=None),
    LinkStatsView(total=43, today=12, last_24h=[_HOUR], by_class=_BY_CLASS),
    ServiceStatsView(total=43, today=12, last_24h=[_HOUR], by_class=_BY_CLASS, links=1, dropped={}),
    KeyListView(keys=[_KEY]),
    MadeKeyView(key="e302_Ab3dEf9h_" + "x" * 43, **msgspec.structs.asdict(_KEY)),
    HealthView(),
    HealthDetailView(status="ok", version="0.1.0", uptime_seconds=3_600, store="ok", clicks="ok"),
)

EXAMPLES: Final[dict[type[msgspec.Struct], Any]] = {type(view): msgspec.to_builtins(view) for view in _VIEWS}
