"""Clicks and questions to test stores of single clicks with."""

from typing import Any, Final

from clicks.counts import DAY_MS, TrafficClass
from clicks.events.event import VERSION, ClickEvent
from clicks.questions import Question
from shortlink.links import LinkKey

TODAY: Final = 19_675  # days since the Unix epoch: 2023-11-14
TODAY_MS: Final = TODAY * DAY_MS
EPOCH: Final = "00112233-4455-6677-8899-aabbccddeeff"
OTHER_EPOCH: Final = "ffeeddcc-bbaa-9988-7766-554433221100"
EVERY_CLASS: Final = frozenset(TrafficClass)

_PLAIN: Final[dict[str, Any]] = {
    "v": VERSION,
    "epoch": EPOCH,
    "node": "node-1",
    "worker": 0,
    "time": TODAY_MS,
    "clicks": 1,
    "domain": "",
    "code": "abcdefg",
    "variant": 0,
    "traffic": TrafficClass.HUMAN,
    "reason": "browser",
    "browser": "Firefox",
    "os": "Linux",
    "device": "desktop",
    "user_agent": "Mozilla/5.0",
    "visitor": "1",
    "network": "203.0.113.0/24",
    "country": "DE",
    "city": "Berlin",
    "referrer": "https://news.example.com/1",
    "referrer_host": "news.example.com",
    "language": "de",
    "utm_source": "letter",
    "utm_medium": "email",
    "utm_campaign": "spring",
    "utm_term": "",
    "utm_content": "",
}


def event(seq: int, **fields: object) -> ClickEvent:
    """A click: a human's on "/abcdefg" at midnight, where `fields` say nothing else."""
    return ClickEvent(**(_PLAIN | {"seq": seq} | fields))


def key(code: str = "abcdefg", domain: str = "") -> LinkKey:
    return LinkKey(domain, code)


def question(**fields: Any) -> Question:  # noqa: ANN401 (Question's fields)
    """About today and yesterday, where `fields` say nothing else."""
    return Question(**({"since_ms": TODAY_MS - DAY_MS, "until_ms": TODAY_MS + DAY_MS} | fields))
