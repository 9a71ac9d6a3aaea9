"""Texts that strangers sent, made fit to be stored and shown, and their form in an event's JSON."""

import re
from collections.abc import Mapping
from typing import Final

import msgspec

REPLACEMENT: Final = "\ufffd"


def clean(raw: bytes) -> str:
    """The text of a header: U+FFFD stands for what is no UTF-8, and for control characters.

    PostgreSQL can't hold NUL, and terminals obey the others (C0, DEL and C1). All else stays as it was sent: HTML is
    text to us, and whoever shows it escapes it.
    """
    return without_controls(raw.decode("utf-8", "replace"))


def without_controls(text: str) -> str:
    """The text with U+FFFD for each control character."""
    return _CONTROLS.sub(REPLACEMENT, text)


_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def members(fields: Mapping[str, str]) -> bytes:
    """The fields as members of a JSON object, without its braces."""
    return msgspec.json.encode(fields)[1:-1]
