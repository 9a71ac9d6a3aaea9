"""Clicks as Kafka has them."""

import msgspec

from clicks.events.event import ClickEvent


def json_lines(*events: ClickEvent) -> bytes:
    """One JSON object a line."""
    return b"".join(msgspec.json.encode(event) + b"\n" for event in events)
