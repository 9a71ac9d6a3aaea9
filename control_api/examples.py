"""One example of each reply, for the OpenAPI document; made of the real bodies, so that none can be wrong."""

from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from clicks.counts import TrafficClass
from clicks.events.event import VERSION, ClickEvent
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
from control_api.stats_schemas import (
    ChangeView,
    ForgottenView,
    FormerTotalsView,
    FormerValueView,
    FreshnessView,
    OrphanListView,
    OrphanView,
    PointView,
    SeriesView,
    SpanView,
    SummaryView,
    TopValueView,
    TopView,
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
_SPAN: Final = SpanView(since=datetime(2026, 2, 1, tzinfo=UTC), until=datetime(2026, 3, 1, tzinfo=UTC))
_FORMER: Final = SpanView(since=datetime(2026, 1, 4, tzinfo=UTC), until=datetime(2026, 2, 1, tzinfo=UTC))
_ANSWER: Final[dict[str, Any]] = {
    "asked": _SPAN,
    "covered": None,
    "zone": "Europe/Berlin",
    "freshness": FreshnessView(newest=_NOW),
}
_FEW: Final = {"human": 40, "bot": 2}
_CHANGE: Final = ChangeView(absolute=2, percent=5.0)
_EVENT: Final = ClickEvent(
    v=VERSION,
    epoch="00112233-4455-6677-8899-aabbccddeeff",
    seq=7,
    node="node-1",
    worker=0,
    time=1_772_368_200_000,
    clicks=1,
    domain="",
    code="welcome",
    variant=0,
    traffic=TrafficClass.HUMAN,
    reason="browser",
    browser="Firefox",
    os="Linux",
    device="desktop",
    user_agent="Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    visitor="12345678901234567890",
    network="203.0.113.0/24",
    country="DE",
    city="Berlin",
    referrer="https://news.example.com/",
    referrer_host="news.example.com",
    language="de",
    utm_source="newsletter",
    utm_medium="",
    utm_campaign="",
    utm_term="",
    utm_content="",
)
CLICK: Final = msgspec.json.encode(_EVENT).decode()

_VIEWS: Final[tuple[msgspec.Struct, ...]] = (
    _LINK,
    LinkListView(links=[_LINK], next_cursor=None),
    LinkStatsView(total=43, today=12, last_24h=[_HOUR], by_class=_BY_CLASS),
    ServiceStatsView(total=43, today=12, last_24h=[_HOUR], by_class=_BY_CLASS, links=1, dropped={}),
    SummaryView(
        **_ANSWER,
        clicks=42,
        visitors=31,
        by_class=_FEW,
        before=FormerTotalsView(
            asked=_FORMER,
            covered=None,
            clicks=40,
            visitors=None,
            by_class=_FEW,
            change=_CHANGE,
            visitors_change=None,
        ),
    ),
    SeriesView(
        **_ANSWER,
        interval="4w",
        points=[PointView(start=_SPAN.since, end=_SPAN.until, clicks=42, visitors=31, by_class=_FEW)],
        before=None,
    ),
    TopView(
        **_ANSWER,
        dimension="referrer_host",
        values=[
            TopValueView(
                value="news.example.com",
                clicks=42,
                visitors=31,
                before=FormerValueView(clicks=40, visitors=30, change=_CHANGE),
            )
        ],
        before=_FORMER,
    ),
    OrphanListView(orphans=[OrphanView(domain="", code="welcom", clicks=3, last_at=_NOW)]),
    ForgottenView(clicks=42, kept=["total", "today", "last_24h", "by_class"]),
    KeyListView(keys=[_KEY]),
    MadeKeyView(key="e302_Ab3dEf9h_" + "x" * 43, **msgspec.structs.asdict(_KEY)),
    HealthView(),
    HealthDetailView(status="ok", version="0.1.0", uptime_seconds=3_600, store="ok", clicks="ok"),
)

EXAMPLES: Final[dict[type[msgspec.Struct], Any]] = {type(view): msgspec.to_builtins(view) for view in _VIEWS}
