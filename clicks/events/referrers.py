"""Where a click came from: the host of its referrer."""

from typing import Final

import can_ada

from clicks.events.texts import clean, members

SCHEMES: Final = frozenset({"http:", "https:", "android-app:"})  # apps on Android name themselves by the last
MAX_HOST: Final = 253  # RFC 1035 §2.3.4, as text


def describe_referrer(raw: bytes) -> bytes:
    """`referrer` and `referrer_host` as JSON members. `raw`: as the spool keeps it; empty: none was sent."""
    referrer = clean(raw)
    return members({"referrer": referrer, "referrer_host": host_of(referrer)})


def host_of(referrer: str) -> str:
    """The host in lower case and punycode, without user, port and final dot; empty: there is none."""
    try:
        url = can_ada.parse(referrer)
    except ValueError:
        return ""
    if url.protocol not in SCHEMES:
        return ""
    host: str = url.hostname.lower().rstrip(".")
    return host if len(host) <= MAX_HOST else ""
