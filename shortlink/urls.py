"""Targets: which URLs a link may lead to, and the one form they are stored in."""

import re
from collections.abc import Set
from typing import Final

import can_ada

from shortlink.errors import InvalidLink

MAX_TARGET_BYTES: Final = 8_000  # a Location header that every browser and proxy still takes

# C0 and C1 controls, DEL, the separators that some programs break lines at, and surrogates without a partner. A WHATWG
# parser drops tab, CR and LF without a word: whoever sends them means something else than what would be stored.
_FORBIDDEN: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_SAFE: Final = re.compile(r"https?://[!-~]+")


def parse_target(text: str, own_hosts: Set[str], field: str = "url") -> str:
    """The URL as a WHATWG parser writes it (https://url.spec.whatwg.org/): printable ASCII, punycode host.

    Args:
        text: what was sent. Spaces around it are dropped.
        own_hosts: canonical hosts of this service, which a link must not lead back to.
        field: the field's name for the error.

    Raises:
        InvalidLink: kind "target-invalid", "target-scheme", "own-domain" or "target-too-long".
    """
    if _FORBIDDEN.search(text):
        raise InvalidLink(field, "target-invalid", "a URL has no control characters")
    if len(text) > MAX_TARGET_BYTES:  # a longer text is not worth parsing: nearly all grow when they are encoded
        raise _too_long(field)
    try:
        url = can_ada.parse(text)
    except ValueError as exc:
        raise InvalidLink(field, "target-invalid", "not an absolute URL, such as https://example.com/page") from exc
    if url.protocol not in ("https:", "http:"):
        raise InvalidLink(field, "target-scheme", "a link leads to http:// or https:// addresses only")
    # The parser has resolved case, user names, IDN, escapes and IPv4 in every notation; a trailing dot names the
    # same host.
    if url.hostname.rstrip(".") in own_hosts:
        raise InvalidLink(field, "own-domain", "a link can't lead to this service itself")
    target: str = url.href
    if len(target) > MAX_TARGET_BYTES:
        raise _too_long(field)
    if not is_safe_target(target):
        raise InvalidLink(field, "target-invalid", "not a URL that can stand in a header")
    return target


def is_safe_target(text: str) -> bool:
    """Whether a stored target may be put into a Location header: http(s), printable ASCII, not too long.

    Cheap, for the moment a cache loads it: whatever wrote the store, no header is split.
    """
    return len(text) <= MAX_TARGET_BYTES and _SAFE.fullmatch(text) is not None


def _too_long(field: str) -> InvalidLink:
    return InvalidLink(field, "target-too-long", f"a URL has at most {MAX_TARGET_BYTES:,} bytes once it is encoded")
