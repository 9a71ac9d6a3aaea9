"""Clicks of a batch as the shipper hands it over, decoded for a store that keeps them itself."""

from typing import Final

import msgspec

from clicks.events.event import ClickEvent
from clicks.sinks.contract import DescribedBatch

_DECODER: Final = msgspec.json.Decoder(ClickEvent)


def events_of(described: DescribedBatch) -> list[ClickEvent]:
    """The batch's clicks, in order of seq."""
    batch, node, agents, networks, referrers, languages, links = described
    parts = batch.encode(node, agents, networks, referrers, languages, links)
    return [_DECODER.decode(value) for part in parts for _, value, _ in part]
