"""Figures from single clicks, as people ask for them: in intervals of a time zone, since the first click, live."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import tzinfo
from typing import NamedTuple

from clicks.counts import TrafficClass
from clicks.folding import Bucket, fold, with_visitors
from clicks.intervals import Interval, bounds, local, midnight, step_of, whole_days
from clicks.live import LiveFeed
from clicks.questions import ClickAnswers, Covered, Dimension, Question, Step, Top, TopValue
from shortlink.links import LinkKey


class Buckets(NamedTuple):
    """A series without holes, oldest first, and the time that it is about."""

    buckets: Sequence[Bucket]
    covered: Covered


class EventStats:
    """What is asked of `answers`, where that takes more than one question; `live`: clicks as they arrive.

    Every method raises StoreUnavailable when the store can't answer.
    """

    def __init__(self, answers: ClickAnswers) -> None:
        self.answers = answers
        self.live = LiveFeed(answers)

    async def series(self, question: Question, interval: Interval, zone: tzinfo) -> Buckets:
        """Clicks in each interval, and the visitors of those that are whole UTC days.

        BadSpan: there are too many.
        """
        ends = bounds(interval, zone, question.since_ms, question.until_ms)
        step = step_of(ends)
        found = await self.answers.series(question, step)
        buckets = fold(found.points, ends)
        if (days := whole_days(ends)) is not None:
            since_ms, until_ms = days
            if step is not Step.DAY:
                of_days = replace(question, since_ms=since_ms, until_ms=until_ms)
                found = found._replace(points=(await self.answers.series(of_days, Step.DAY)).points)
            buckets = with_visitors(buckets, found.points, since_ms, until_ms)
        return Buckets(buckets, found.covered)

    async def since_the_first_click(self, question: Question, zone: tzinfo) -> Question:
        """The question, beginning with the day of the first click on its links; of today when there is none."""
        scope = Question(
            question.since_ms // Step.DAY * Step.DAY,
            -(-question.until_ms // Step.DAY) * Step.DAY,
            links=question.links,
            domain=question.domain,
            classes=frozenset(TrafficClass),
        )
        points = (await self.answers.series(scope, Step.DAY)).points
        first_ms = points[0].start_ms if points else question.until_ms - 1
        begin = midnight(local(first_ms, zone).date(), zone)
        return replace(question, since_ms=max(begin, question.since_ms))

    async def top_before(self, question: Question, dimension: Dimension, values: Sequence[TopValue]) -> Top:
        """Of values that are at the top, what they had at another time."""
        names = [each.value for each in values]
        if not names:
            return Top((), Covered(question.since_ms, question.until_ms))
        return await self.answers.top(_only(question, dimension, names), dimension, len(names))


def _only(question: Question, dimension: Dimension, names: Sequence[str]) -> Question:
    """The question, about these values alone: they are what a filter of the same dimension let through."""
    if dimension is Dimension.CODE:
        return replace(question, links=[LinkKey(*name.rsplit("/", 1)) for name in names])
    if dimension is Dimension.CLASS:
        return replace(question, classes=frozenset(map(TrafficClass, names)))
    return replace(question, where={**question.where, dimension: names})
