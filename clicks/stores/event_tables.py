"""How single clicks lie in SQL tables: dictionaries, scopes and facets, and a click as a row of ids.

Every distinct text stands once, in a dictionary; what belongs together (a browser and its system) shares an entry.
Sums are kept by scope: of the service (0), of each domain (its id, negative), of each link (its id).
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Final, NamedTuple

import msgspec

from clicks.counts import DAY_MS, TrafficClass
from clicks.events.event import VERSION, ClickEvent
from clicks.questions import Dimension
from clicks.stores.rows import CLASSES

SERVICE: Final = 0
BLOCK_DAYS: Final = 32  # days that are summed up once more, so that a year is a dozen sums and a few days
CLASS_NUMBERS: Final = {traffic: number for number, traffic in enumerate(CLASSES)}


class Facet(NamedTuple):
    """What is known of clicks together, in the dictionary `event_NAME`, whose columns are ClickEvent's fields.

    `number` tells its sums from those of others: never change one.
    """

    number: int
    name: str
    dimensions: tuple[Dimension, ...]

    @property
    def table(self) -> str:
        return f"event_{self.name}"


LINK_NUMBER: Final = 0  # sums by link, of the service alone
FACETS: Final = (
    Facet(1, "agent", (Dimension.REASON, Dimension.BROWSER, Dimension.OS, Dimension.DEVICE)),
    Facet(2, "place", (Dimension.COUNTRY, Dimension.CITY)),
    Facet(3, "source", (Dimension.REFERRER, Dimension.REFERRER_HOST)),
    Facet(4, "language", (Dimension.LANGUAGE,)),
    Facet(
        5,
        "campaign",
        (
            Dimension.VARIANT,
            Dimension.UTM_SOURCE,
            Dimension.UTM_MEDIUM,
            Dimension.UTM_CAMPAIGN,
            Dimension.UTM_TERM,
            Dimension.UTM_CONTENT,
        ),
    ),
)
FACET_OF: Final = {dimension: facet for facet in FACETS for dimension in facet.dimensions}

# Dictionary → its columns beside id and key. Those of `event_text` are not kept for ever: see event_upkeep.
DICTIONARIES: Final = {facet.name: tuple(map(str, facet.dimensions)) for facet in FACETS} | {
    "domain": ("domain",),
    "link": ("domain", "code"),
    "origin": ("epoch", "node", "worker"),
    "text": ("text", "used_day"),
}
LOG_COLUMNS: Final = (
    "time", "origin", "seq", "domain", "link", "class", "agent", "place", "source", "language", "campaign",
    "user_agent", "network", "visitor", "clicks",
)  # fmt: skip

# All of a click as it was, one column a field of ClickEvent that is not a constant.
EVENT_COLUMNS: Final = """e.id, o.epoch, e.seq, o.node, o.worker, e.time, e.clicks, d.domain, l.code, c.variant,
    e.class, a.reason, a.browser, a.os, a.device, coalesce(u.text, ''), e.visitor, coalesce(n.text, ''),
    p.country, p.city, s.referrer, s.referrer_host, g.language, c.utm_source,
    c.utm_medium, c.utm_campaign, c.utm_term, c.utm_content"""
EVENT_JOINS: Final = """JOIN event_origin o ON o.id = e.origin JOIN event_domain d ON d.id = e.domain
    JOIN event_link l ON l.id = e.link JOIN event_agent a ON a.id = e.agent JOIN event_place p ON p.id = e.place
    JOIN event_source s ON s.id = e.source JOIN event_language g ON g.id = e.language
    JOIN event_campaign c ON c.id = e.campaign LEFT JOIN event_text u ON u.id = e.user_agent
    LEFT JOIN event_text n ON n.id = e.network"""


def key_of(texts: Sequence[object]) -> bytes:
    """What an entry of a dictionary is found by: short however long its texts are, which an index could not hold."""
    return blake2b(msgspec.json.encode(texts), digest_size=16).digest()


def signed(visitor: str) -> int:
    """A visitor as the 64 bits that databases have, whose highest means less than nothing."""
    number = int(visitor)
    return number - (1 << 64) if number >= 1 << 63 else number


def unsigned(visitor: int) -> str:
    """The opposite of `signed`."""
    return str(visitor % (1 << 64))


def event_of(row: Sequence[object]) -> ClickEvent:
    """A click from a row of EVENT_COLUMNS."""
    values = dict(zip(_FIELDS, row[1:], strict=True))
    values["traffic"] = _traffic(values["traffic"])
    values["variant"] = int(str(values["variant"]))
    values["visitor"] = unsigned(int(str(values["visitor"])))
    return ClickEvent(v=VERSION, **values)  # type: ignore[arg-type]  # the tables have the types


def _traffic(number: object) -> TrafficClass:
    return CLASSES[int(str(number))]


_FIELDS: Final = tuple(name for name in ClickEvent.__struct_fields__ if name != "v")


def day_of(ms: int) -> int:
    """Days since the Unix epoch, UTC."""
    return ms // DAY_MS
