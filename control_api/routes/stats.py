"""/api/stats: clicks on one link, on all of them, and on codes that no link has."""

from collections.abc import Sequence
from typing import Annotated, Final

from fastapi import Query, Response
from fastapi.routing import APIRoute

from clicks.stats import HourlyClicks
from control_api import documented, replies
from control_api.deps import Plane, StatsReader
from control_api.routes import links
from control_api.schemas import HourView, LinkStatsView, ServiceStatsView
from control_api.stats_schemas import OrphanListView, OrphanView
from control_api.times import to_time
from shortlink.links import DEFAULT_DOMAIN, LinkKey


async def service_stats(plane: Plane, _: StatsReader) -> Response:
    """Count the clicks on all links."""
    stats = await plane.clicks.of_service()
    return replies.json(
        ServiceStatsView(
            total=stats.total,
            today=stats.today,
            last_24h=_hours(stats.last_24h),
            by_class={traffic.value: clicks for traffic, clicks in stats.by_class.items()},
            links=await plane.links.count(),
            dropped=dict(stats.dropped),
        )
    )


async def link_stats(plane: Plane, _: StatsReader, code: links.Code, domain: links.Domain = DEFAULT_DOMAIN) -> Response:
    """Count the clicks on one link."""
    link = await links.found(plane, LinkKey(domain, code))
    stats = await plane.clicks.of_link(link.key)
    return replies.json(
        LinkStatsView(
            total=stats.total,
            today=stats.today,
            last_24h=_hours(stats.last_24h),
            by_class={traffic.value: clicks for traffic, clicks in stats.by_class.items()},
        )
    )


async def list_orphans(
    plane: Plane, _: StatsReader, limit: Annotated[int, Query(ge=1, le=1_000, description="most codes")] = 50
) -> Response:
    """List the codes that no link has and that are visited all the same, most visits first."""
    found = await plane.clicks.orphans(limit)
    return replies.json(
        OrphanListView(
            orphans=[
                OrphanView(domain=each.domain, code=each.code, clicks=each.clicks, last_at=to_time(each.last_at_ms))
                for each in found
            ]
        )
    )


def _hours(hours: Sequence[HourlyClicks]) -> list[HourView]:
    return [HourView(start=to_time(hour.start_ms), clicks=hour.clicks) for hour in hours]


ROUTES: Final = [
    APIRoute(
        "/api/stats",
        service_stats,
        methods=["GET"],
        response_class=Response,
        responses=documented.reply(200, "clicks on all links", ServiceStatsView)
        | documented.problems(*documented.GUARDED),
    ),
    APIRoute(
        "/api/stats/orphans",
        list_orphans,
        methods=["GET"],
        response_class=Response,
        responses=documented.reply(200, "codes that no link has", OrphanListView)
        | documented.problems("invalid-parameter", *documented.GUARDED),
    ),
    APIRoute(
        "/api/stats/{code}",
        link_stats,
        methods=["GET"],
        response_class=Response,
        responses=documented.reply(200, "clicks on the link", LinkStatsView)
        | documented.problems("invalid-parameter", "link-not-found", *documented.GUARDED),
    ),
]
