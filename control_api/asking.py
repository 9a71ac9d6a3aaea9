"""Which clicks a request asks about: the parameters that all statistics of single clicks have in common."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from typing import Annotated, Final

from fastapi import Depends, Query, Request
from fastapi.dependencies.utils import get_flat_params
from fastapi.params import Query as QueryInfo

from clicks.counts import TrafficClass
from clicks.event_stats import EventStats
from clicks.intervals import BadSpan, parse_zone
from clicks.periods import Compare, Period, Span, compared, compared_from, of_period, of_times
from clicks.questions import FOLLOWED, MAX_LINKS, Dimension, Question
from control_api.deps import Plane
from control_api.plane import ControlPlane
from control_api.problems import Problem
from shortlink.links import DEFAULT_DOMAIN, LinkKey, LinkQuery

# What asking about single clicks may be answered with, wherever it is done.
PROBLEMS: Final = (*("invalid-parameter", "events-off", "span-invalid", "unknown-zone", "too-many-links"),)

CODE: Final = "^[A-Za-z0-9_-]{1,64}$"
NO_NUL: Final = r"^[^\x00]*$"  # PostgreSQL has no texts with NUL
MOST_VALUES: Final = 100  # of one filter
MOST_CODES: Final = 500

Value = Annotated[str, Query(max_length=512, pattern=NO_NUL)]
Values = Annotated[list[Value], Query(max_length=MOST_VALUES)]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks about. `before`: the same, at the time that it is compared with; None: with none."""

    events: EventStats
    question: Question
    zone: tzinfo
    before: Question | None = None


@dataclass(frozen=True, slots=True)
class _Scope:
    """The links that are meant; without any: all of the domain, or of the service."""

    codes: Sequence[str]
    tag: str | None
    domain: str | None


async def _scope(
    code: Annotated[
        list[Annotated[str, Query(pattern=CODE)]],
        Query(max_length=MOST_CODES, description="clicks on these links alone; removed ones can be named too"),
    ] = [],  # noqa: B006 - FastAPI makes a new one each time
    tag: Annotated[
        str | None, Query(min_length=1, max_length=64, description="clicks on links that have this tag now")
    ] = None,
    domain: Annotated[
        str | None,
        Query(max_length=253, pattern=NO_NUL, description="with code: the links' domain; without: any of its"),
    ] = None,
) -> _Scope:
    return _Scope(code, tag, domain)


async def _classes(
    traffic: Annotated[
        list[TrafficClass], Query(alias="class", description="clicks of these classes; else of all but head")
    ] = [],  # noqa: B006
    bots: Annotated[bool, Query(description="false: clicks of people alone, as class=human")] = True,
) -> frozenset[TrafficClass]:
    chosen = frozenset(traffic) or FOLLOWED
    return chosen if bots else chosen & {TrafficClass.HUMAN}


async def _where(
    reason: Values = [],  # noqa: B006
    browser: Values = [],  # noqa: B006
    os: Values = [],  # noqa: B006
    device: Values = [],  # noqa: B006
    country: Values = [],  # noqa: B006
    city: Values = [],  # noqa: B006
    referrer: Values = [],  # noqa: B006
    referrer_host: Values = [],  # noqa: B006
    language: Values = [],  # noqa: B006
    variant: Values = [],  # noqa: B006
    utm_source: Values = [],  # noqa: B006
    utm_medium: Values = [],  # noqa: B006
    utm_campaign: Values = [],  # noqa: B006
    utm_term: Values = [],  # noqa: B006
    utm_content: Values = [],  # noqa: B006
) -> Mapping[Dimension, Sequence[str]]:
    return {Dimension(name): values for name, values in locals().items() if values}


@dataclass(frozen=True, slots=True)
class _Time:
    span: Span
    zone: tzinfo
    whole: bool  # from the first click on


async def _time(
    plane: Plane,
    period: Annotated[Period | None, Query(description="a time up to now; 30d when no other time is named")] = None,
    since: Annotated[
        str | None,
        Query(max_length=40, description="RFC 3339 or a date, widened to quarters of an hour", examples=["2026-03-01"]),
    ] = None,
    until: Annotated[
        str | None,
        Query(max_length=40, description="the same; a date is counted in; else: now", examples=["2026-03-31"]),
    ] = None,
    zone: Annotated[
        str,
        Query(max_length=64, description="IANA time zone of dates, periods and intervals", examples=["Europe/Berlin"]),
    ] = "UTC",
) -> _Time:
    found = _zone(zone)
    now_ms = plane.clock.now_ms()
    if since is None and until is None:
        chosen = period or Period.DAYS_30
        return _Time(of_period(chosen, found, now_ms), found, chosen is Period.ALL)
    if period is not None or since is None:
        raise Problem("span-invalid", "Send `period`, or `since` with or without `until`.", field="since")
    return _Time(_span(since, until, found, now_ms), found, whole=False)


async def _asked(
    request: Request,
    plane: Plane,
    scope: Annotated[_Scope, Depends(_scope)],
    classes: Annotated[frozenset[TrafficClass], Depends(_classes)],
    where: Annotated[Mapping[Dimension, Sequence[str]], Depends(_where)],
    time: Annotated[_Time, Depends(_time)],
) -> Asked:
    _refuse_unknown(request)
    events = events_of(plane)
    links, domain = await _links(plane, scope)
    question = Question(time.span.since_ms, time.span.until_ms, links, domain, classes, where)
    if time.whole:
        question = await events.since_the_first_click(question, time.zone)
    return Asked(events, question, time.zone)


async def _asked_compared(
    plane: Plane,
    asked: Annotated[Asked, Depends(_asked)],
    compare: Annotated[
        Compare | None, Query(description="with what to compare: as long a time before, or a year ago")
    ] = None,
    compare_since: Annotated[
        str | None, Query(max_length=40, description="with as long a time from here on; written as since")
    ] = None,
) -> Asked:
    if compare is None and compare_since is None:
        return asked
    if compare is not None and compare_since is not None:
        raise Problem("span-invalid", "Send `compare` or `compare_since`.", field="compare_since")
    span = Span(asked.question.since_ms, asked.question.until_ms)
    now_ms = plane.clock.now_ms()
    try:
        if compare is not None:
            other = compared(span, compare, asked.zone, now_ms)
        else:
            other = compared_from(span, compare_since or "", asked.zone, now_ms)
    except BadSpan as exc:
        raise _problem("span-invalid", exc, "compare" if compare else "compare_since") from exc
    return replace(asked, before=replace(asked.question, since_ms=other.since_ms, until_ms=other.until_ms))


# A route asks for its reader before these: who has no key makes nobody look for anything.
Clicks = Annotated[Asked, Depends(_asked)]
ComparedClicks = Annotated[Asked, Depends(_asked_compared)]


def events_of(plane: ControlPlane) -> EventStats:
    """What answers from single clicks. Problem: events-off."""
    if plane.clicks.events is None:
        raise Problem("events-off", "The operator keeps clicks by count alone: EDGE302_EVENTS=true changes that.")
    return plane.clicks.events


def _refuse_unknown(request: Request) -> None:
    """A filter with a typing error must not answer as if there were none, nor one of two values as if it were both."""
    parameters = get_flat_params(request.scope["route"].dependant)
    known = {each.alias: each.field_info for each in parameters if isinstance(each.field_info, QueryInfo)}
    for name in request.query_params:
        if name not in known:
            raise Problem("invalid-parameter", f"Use {', '.join(sorted(known))}.", field=name[:64])
        if len(request.query_params.getlist(name)) > 1 and not isinstance(known[name].default, list):
            raise Problem("invalid-parameter", f"Send {name} once.", field=name)


async def _links(plane: ControlPlane, scope: _Scope) -> tuple[Sequence[LinkKey] | None, str | None]:
    """The links and the domain of a question."""
    if not scope.codes and scope.tag is None:
        return None, scope.domain
    named = [LinkKey(scope.domain or DEFAULT_DOMAIN, code) for code in scope.codes]
    if scope.tag is None:
        return named, None
    page = await plane.links.list(LinkQuery(tag=scope.tag, domain=scope.domain, limit=MAX_LINKS + 1))
    if len(page.links) > MAX_LINKS:
        detail = f"More than {MAX_LINKS:,} links have this tag: name a domain, or a tag that fewer have."
        raise Problem("too-many-links", detail, field="tag")
    tagged = [link.key for link in page.links]
    return (sorted(set(named) & set(tagged)) if named else tagged), None


def _zone(name: str) -> tzinfo:
    try:
        return parse_zone(name)
    except BadSpan as exc:
        raise _problem("unknown-zone", exc, "zone") from exc


def _span(since: str, until: str | None, zone: tzinfo, now_ms: int) -> Span:
    try:
        return of_times(since, until, zone, now_ms)
    except BadSpan as exc:
        raise _problem("span-invalid", exc, "since") from exc


def _problem(kind: str, error: BadSpan, field: str) -> Problem:
    text = str(error)
    return Problem(kind, f"{text[:1].upper()}{text[1:]}.", field=field)
