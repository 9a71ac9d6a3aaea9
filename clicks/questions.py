"""What can be asked of single clicks, and the form of the answers: the same for every store."""

import enum
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol

from clicks.counts import TrafficClass
from clicks.events.event import ClickEvent
from shortlink.links import LinkKey

QUARTER_MS: Final = 900_000  # every time zone in use is a whole number of these from UTC
MAX_LINKS: Final = 10_000  # in one question
FOLLOWED: Final = frozenset(TrafficClass) - {TrafficClass.HEAD}


class Dimension(enum.StrEnum):
    """By what clicks can be told apart: names of ClickEvent's fields."""

    DOMAIN = "domain"
    CODE = "code"
    CLASS = "class"
    REASON = "reason"
    BROWSER = "browser"
    OS = "os"
    DEVICE = "device"
    COUNTRY = "country"
    CITY = "city"
    REFERRER = "referrer"
    REFERRER_HOST = "referrer_host"
    LANGUAGE = "language"
    VARIANT = "variant"
    UTM_SOURCE = "utm_source"
    UTM_MEDIUM = "utm_medium"
    UTM_CAMPAIGN = "utm_campaign"
    UTM_TERM = "utm_term"
    UTM_CONTENT = "utm_content"


class Step(enum.IntEnum):
    """How finely a series is told, in ms; each begins at a multiple of itself since the Unix epoch."""

    QUARTER = QUARTER_MS
    HOUR = 4 * QUARTER_MS
    DAY = 96 * QUARTER_MS


@dataclass(frozen=True, slots=True)
class Question:
    """Which clicks are meant.

    Attributes:
        since_ms, until_ms: in [since_ms, until_ms), both multiples of QUARTER_MS.
        links: on one of these, at most MAX_LINKS; None: on any. An empty sequence: none at all.
        domain: on links of this domain ("": the default domain); None: of any.
        classes: of one of these classes.
        where: each of these dimensions has one of the values named for it; "" is the value of what is not known.
    """

    since_ms: int
    until_ms: int
    links: Sequence[LinkKey] | None = None
    domain: str | None = None
    classes: frozenset[TrafficClass] = FOLLOWED
    where: Mapping[Dimension, Sequence[str]] = field(default_factory=dict)


class Covered(NamedTuple):
    """The time that an answer is about: the one asked for, or what the store still has of it, or keeps together."""

    since_ms: int
    until_ms: int


class Totals(NamedTuple):
    """`by_class`: classes with clicks alone. `visitors`: different ones a UTC day, days added up; None: not known."""

    by_class: Mapping[TrafficClass, int]
    visitors: int | None
    covered: Covered


class Point(NamedTuple):
    """One step of a series; `visitors` as in Totals, None for steps shorter than a day."""

    start_ms: int
    by_class: Mapping[TrafficClass, int]
    visitors: int | None


class Points(NamedTuple):
    """The steps that have clicks, oldest first."""

    points: Sequence[Point]
    covered: Covered


class TopValue(NamedTuple):
    """A value of a dimension. CODE's are told with their domain before them: "domain/code", "/code"."""

    value: str
    clicks: int
    visitors: int | None


class Top(NamedTuple):
    """The values with most clicks, most first, equal ones by their text."""

    values: Sequence[TopValue]
    covered: Covered


class Arrived(NamedTuple):
    """Clicks in the order in which the store took them, and the place behind the last."""

    events: Sequence[ClickEvent]
    cursor: str


class Freshness(NamedTuple):
    """How far the store has come: `newest_ms`: time of the newest click in it (None: it has none)."""

    newest_ms: int | None


class ClickAnswers(Protocol):
    """A store of single clicks that can be asked. Every method raises StoreUnavailable when it can't answer."""

    async def open(self) -> None: ...

    async def close(self) -> None:
        """May be called twice."""
        ...

    async def totals(self, question: Question) -> Totals: ...

    async def series(self, question: Question, step: Step) -> Points:
        """`since_ms` and `until_ms` are multiples of the step."""
        ...

    async def top(self, question: Question, dimension: Dimension, limit: int) -> Top: ...

    def export(self, question: Question) -> AsyncIterator[Sequence[ClickEvent]]:
        """All of these clicks that the store still has one by one, oldest first, as (time, epoch, seq) orders them, in
        pages that bound memory."""
        ...

    async def arrived(self, question: Question, cursor: str | None, limit: int = 1_000) -> Arrived:
        """What came since: at most `limit`. None: nothing, but where the store ends now. ValueError: no such cursor."""
        ...

    async def forget_link(self, key: LinkKey) -> int:
        """Delete the clicks of a link, out of all answers; returns how many clicks went."""
        ...

    async def forget_visitor(self, day: int, visitor: str) -> int:
        """Delete the clicks of one visitor on one UTC day (days since the Unix epoch); as `forget_link`."""
        ...

    async def freshness(self) -> Freshness: ...
