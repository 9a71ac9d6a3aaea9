"""/api/stats/summary, /series, /top/{dimension}: figures from single clicks, filtered and compared."""

from collections.abc import Mapping
from typing import Annotated, Final

from fastapi import Path, Query, Response
from fastapi.routing import APIRoute

from clicks.counts import TrafficClass
from clicks.folding import Bucket
from clicks.intervals import PATTERN, BadSpan, Interval, parse_interval
from clicks.periods import change
from clicks.questions import Covered, Dimension, Question, Top, TopValue, Totals
from control_api import asking, documented, replies
from control_api.asking import Asked, ComparedClicks
from control_api.deps import StatsReader
from control_api.problems import Problem
from control_api.stats_schemas import (
    ChangeView,
    FormerSeriesView,
    FormerTotalsView,
    FormerValueView,
    FreshnessView,
    PointView,
    SeriesView,
    SpanView,
    SummaryView,
    TopValueView,
    TopView,
)
from control_api.times import to_time


async def summarize_clicks(_: StatsReader, asked: ComparedClicks) -> Response:
    """Count clicks and visitors of a time, and tell the change since another."""
    totals = await asked.events.answers.totals(asked.question)
    return replies.json(
        SummaryView(
            asked=_span(asked.question),
            covered=_covered(totals.covered, asked.question),
            zone=str(asked.zone),
            freshness=await _freshness(asked),
            clicks=sum(totals.by_class.values()),
            visitors=totals.visitors,
            by_class=_by_class(totals.by_class),
            before=None if asked.before is None else await _former_totals(asked, asked.before, totals),
        )
    )


async def count_clicks_by_interval(
    _: StatsReader,
    asked: ComparedClicks,
    interval: Annotated[
        str, Query(pattern=PATTERN, description="15m to 24h, or days, weeks, months, quarters, years: d w mo q y")
    ] = "1d",
) -> Response:
    """Count clicks hour by hour, day by day, or by any other interval of the zone's clocks and calendar."""
    parsed = _interval(interval)
    buckets, covered = await _series(asked, asked.question, parsed)
    return replies.json(
        SeriesView(
            asked=_span(asked.question),
            covered=_covered(covered, asked.question),
            zone=str(asked.zone),
            freshness=await _freshness(asked),
            interval=interval,
            points=buckets,
            before=None if asked.before is None else await _former_series(asked, asked.before, parsed),
        )
    )


async def list_top_values(
    _: StatsReader,
    asked: ComparedClicks,
    dimension: Annotated[Dimension, Path(description="by what clicks are told apart")],
    limit: Annotated[int, Query(ge=1, le=1_000, description="most values")] = 10,
) -> Response:
    """List the values of a dimension that have most clicks."""
    top = await asked.events.answers.top(asked.question, dimension, limit)
    before: Mapping[str, TopValue] | None = None
    if asked.before is not None:
        former = await asked.events.top_before(asked.before, dimension, top.values)
        before = {value.value: value for value in former.values}
    return replies.json(
        TopView(
            asked=_span(asked.question),
            covered=_covered(top.covered, asked.question),
            zone=str(asked.zone),
            freshness=await _freshness(asked),
            dimension=dimension.value,
            values=_values(top, before),
            before=None if asked.before is None else _span(asked.before),
        )
    )


async def _former_totals(asked: Asked, question: Question, now: Totals) -> FormerTotalsView:
    totals = await asked.events.answers.totals(question)
    clicks = sum(totals.by_class.values())
    return FormerTotalsView(
        asked=_span(question),
        covered=_covered(totals.covered, question),
        clicks=clicks,
        visitors=totals.visitors,
        by_class=_by_class(totals.by_class),
        change=_change(sum(now.by_class.values()), clicks),
        visitors_change=None
        if now.visitors is None or totals.visitors is None
        else _change(now.visitors, totals.visitors),
    )


async def _former_series(asked: Asked, question: Question, interval: Interval) -> FormerSeriesView:
    points, covered = await _series(asked, question, interval)
    return FormerSeriesView(asked=_span(question), covered=_covered(covered, question), points=points)


async def _series(asked: Asked, question: Question, interval: Interval) -> tuple[list[PointView], Covered]:
    try:
        found = await asked.events.series(question, interval, asked.zone)
    except BadSpan as exc:
        raise _bad_interval(exc) from exc
    return [_point(bucket) for bucket in found.buckets], found.covered


def _interval(text: str) -> Interval:
    try:
        return parse_interval(text)
    except BadSpan as exc:
        raise _bad_interval(exc) from exc


def _bad_interval(error: BadSpan) -> Problem:
    text = str(error)
    return Problem("interval-invalid", f"{text[:1].upper()}{text[1:]}.", field="interval")


def _values(top: Top, before: Mapping[str, TopValue] | None) -> list[TopValueView]:
    """The values, each with what it had before; one that is not told of had nothing."""
    return [
        TopValueView(
            value=each.value,
            clicks=each.clicks,
            visitors=each.visitors,
            before=None if before is None else _former(each, before.get(each.value, TopValue(each.value, 0, 0))),
        )
        for each in top.values
    ]


def _former(now: TopValue, before: TopValue) -> FormerValueView:
    change_of_clicks = _change(now.clicks, before.clicks)
    return FormerValueView(clicks=before.clicks, visitors=before.visitors, change=change_of_clicks)


def _point(bucket: Bucket) -> PointView:
    return PointView(
        start=to_time(bucket.start_ms),
        end=to_time(bucket.end_ms),
        clicks=sum(bucket.by_class.values()),
        visitors=bucket.visitors,
        by_class=_by_class(bucket.by_class),
    )


async def _freshness(asked: Asked) -> FreshnessView:
    return FreshnessView(newest=to_time((await asked.events.answers.freshness()).newest_ms))


def _span(question: Question) -> SpanView:
    return SpanView(since=to_time(question.since_ms), until=to_time(question.until_ms))


def _covered(covered: Covered, question: Question) -> SpanView | None:
    if covered == (question.since_ms, question.until_ms):
        return None
    return SpanView(since=to_time(covered.since_ms), until=to_time(covered.until_ms))


def _by_class(clicks: Mapping[TrafficClass, int]) -> dict[str, int]:
    return {traffic.value: clicks[traffic] for traffic in TrafficClass if clicks.get(traffic)}


def _change(now: int, before: int) -> ChangeView:
    absolute, percent = change(now, before)
    return ChangeView(absolute=absolute, percent=percent)


ROUTES: Final = [
    APIRoute(
        "/api/stats/summary",
        summarize_clicks,
        methods=["GET"],
        response_class=Response,
        responses=documented.reply(200, "clicks and visitors", SummaryView)
        | documented.problems(*asking.PROBLEMS, *documented.GUARDED),
    ),
    APIRoute(
        "/api/stats/series",
        count_clicks_by_interval,
        methods=["GET"],
        response_class=Response,
        responses=documented.reply(200, "clicks by interval", SeriesView)
        | documented.problems("interval-invalid", *asking.PROBLEMS, *documented.GUARDED),
    ),
    APIRoute(
        "/api/stats/top/{dimension}",
        list_top_values,
        methods=["GET"],
        response_class=Response,
        responses=documented.reply(200, "values and their clicks", TopView)
        | documented.problems(*asking.PROBLEMS, *documented.GUARDED),
    ),
]
