"""The bodies of statistics of single clicks: each defined once, for encoding and the OpenAPI document."""

from typing import Annotated, Final

from msgspec import Meta, Struct

from clicks.events.event import ClickEvent
from control_api.schemas import Time

Visitors = Annotated[
    int | None,
    Meta(description="different ones a UTC day, days added up; null: not known for this time"),
]
ByClass = Annotated[dict[str, int], Meta(description="classes with clicks alone", examples=[{"human": 40, "bot": 2}])]
Percent = Annotated[float | None, Meta(description="of the former number; null: that was 0")]


class SpanView(Struct, kw_only=True):
    """A time: `since` is in it, `until` is not."""

    since: Time
    until: Time


class FreshnessView(Struct, kw_only=True):
    """How far the store has come."""

    newest: Annotated[Time | None, Meta(description="when its newest click was made; null: it has none")]


class ChangeView(Struct, kw_only=True):
    """A change between two numbers."""

    absolute: int
    percent: Percent


class AnswerView(Struct, kw_only=True):
    """What every answer tells besides its numbers."""

    asked: Annotated[SpanView, Meta(description="the time asked for, widened to quarters of an hour")]
    covered: Annotated[
        SpanView | None,
        Meta(
            description="the time that the numbers are of, where it is another: what the store has, or keeps together"
        ),
    ]
    zone: Annotated[str, Meta(examples=["Europe/Berlin"])]
    freshness: FreshnessView


class FormerTotalsView(Struct, kw_only=True):
    """The clicks of the time compared with, and the change since."""

    asked: SpanView
    covered: SpanView | None
    clicks: int
    visitors: Visitors
    by_class: ByClass
    change: ChangeView
    visitors_change: Annotated[ChangeView | None, Meta(description="null: one of the two is not known")]


class SummaryView(AnswerView, kw_only=True):
    """Clicks in a time."""

    clicks: int
    visitors: Visitors
    by_class: ByClass
    before: Annotated[FormerTotalsView | None, Meta(description="null: nothing was to be compared")]


class PointView(Struct, kw_only=True):
    """Clicks in one interval: `start` is in it, `end` is not. None reaches out of the time asked for."""

    start: Time
    end: Time
    clicks: int
    visitors: Annotated[int | None, Meta(description="null where the interval is not made of whole UTC days")]
    by_class: ByClass


class FormerSeriesView(Struct, kw_only=True):
    """The series of the time compared with."""

    asked: SpanView
    covered: SpanView | None
    points: list[PointView]


class SeriesView(AnswerView, kw_only=True):
    """Clicks interval by interval."""

    interval: Annotated[str, Meta(examples=["1d"])]
    points: Annotated[list[PointView], Meta(description="oldest first, without holes")]
    before: FormerSeriesView | None


class FormerValueView(Struct, kw_only=True):
    """What a value had in the time compared with."""

    clicks: int
    visitors: Visitors
    change: ChangeView


class TopValueView(Struct, kw_only=True):
    """A value and its clicks."""

    value: Annotated[
        str, Meta(description="empty: not known; of code, domain/code or /code", examples=["news.example"])
    ]
    clicks: int
    visitors: Visitors
    before: FormerValueView | None


class TopView(AnswerView, kw_only=True):
    """The values with most clicks."""

    dimension: str
    values: Annotated[list[TopValueView], Meta(description="most clicks first")]
    before: Annotated[SpanView | None, Meta(description="the time compared with")]


class ForgottenView(Struct, kw_only=True):
    """What was deleted, and what was not."""

    clicks: Annotated[int, Meta(description="how many clicks were deleted")]
    kept: Annotated[
        list[str],
        Meta(
            description="what still counts them: figures of /api/stats/{code}, which are bare numbers",
            examples=[["total"]],
        ),
    ]


class OrphanView(Struct, kw_only=True):
    """A code that no link has, and how often it was visited."""

    domain: str
    code: Annotated[str, Meta(examples=["welcom"])]
    clicks: Annotated[int, Meta(description="visits by GET; of codes seldom visited, possibly too many or too few")]
    last_at: Annotated[Time, Meta(description="the last visit, to a few seconds")]


class OrphanListView(Struct, kw_only=True):
    """Codes that no link has."""

    orphans: Annotated[list[OrphanView], Meta(description="most visits first")]


STATS_VIEWS: Final = (SummaryView, SeriesView, TopView, ForgottenView, OrphanListView, ClickEvent)
