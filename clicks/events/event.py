"""One click as everybody past the spool has it: in Kafka, in the stores, in exports. docs/events.md tells of it."""

from typing import Final

import msgspec

from clicks.counts import TrafficClass

# Grows when a reader of the former version could be misled; a new field alone does not.
VERSION: Final = 1


class ClickEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A click. A text that is not known is empty.

    `epoch` and `seq` name it for all time: whoever meets the pair again has met the same click. `redirect_core` writes
    these fields as JSON, in this order.

    Attributes:
        v: the schema's version.
        epoch: a UUID that names one start of one worker.
        seq: 1, 2, 3 … within the epoch.
        node: the node that answered.
        worker: its worker's slot.
        time: ms since the Unix epoch; of several clicks, the start of their hour.
        clicks: 1; more for clicks that had been counted in memory while the spool had no room.
        domain: empty: the default domain.
        variant: which of the link's targets was chosen.
        traffic: the class ("class" in JSON).
        reason: why it was given that class, such as "slack" or "browser".
        visitor: a hash that knows a visitor again on the same UTC day, and on no other; 0: not known. A string of
            digits in JSON, since not every reader of JSON has whole numbers of 64 bits.
        network: the address as far as it was kept, such as 203.0.113.0/24 or 2001:db8:1::/48.
        country: ISO 3166-1 alpha-2, such as "DE".
        city: in English.
        referrer: as it was sent, cut to 512 bytes; what is no UTF-8 is replaced by U+FFFD.
        referrer_host: in lower case, such as "news.example.com".
        browser, os, device: families, such as "Firefox", "Android", "mobile".
        language: the one asked for first, such as "de" or "pt-BR".
        user_agent: as it was sent, cut to 512 bytes.
        utm_source, utm_medium, utm_campaign, utm_term, utm_content: of the link's target when the click was shipped.
    """

    v: int
    epoch: str
    seq: int
    node: str
    worker: int
    time: int
    clicks: int
    domain: str
    code: str
    variant: int
    traffic: TrafficClass = msgspec.field(name="class")
    reason: str
    browser: str
    os: str
    device: str
    user_agent: str
    visitor: str
    network: str
    country: str
    city: str
    referrer: str
    referrer_host: str
    language: str
    utm_source: str
    utm_medium: str
    utm_campaign: str
    utm_term: str
    utm_content: str
