"""List cursors: where a page ended, as an opaque word that is safe in a URL."""

import base64
import binascii
from typing import NamedTuple

import msgspec

from shortlink.links import Link, LinkKey, Order


class Position(NamedTuple):
    """The last link of a page; `value` is what the order sorts by first (0 where that is the key)."""

    value: int
    key: LinkKey


def sorted_by(order: Order, link: Link) -> int:
    """What `order` sorts by before domain and code."""
    match order:
        case Order.NEWEST | Order.OLDEST:
            return link.created_at
        case Order.UPDATED:
            return link.updated_at
        case Order.CODE:
            return 0


def cursor_after(order: Order, link: Link) -> str:
    """The cursor of the page that follows `link`."""
    fields = (order.value, sorted_by(order, link), link.domain, link.code)
    return base64.urlsafe_b64encode(msgspec.json.encode(fields)).rstrip(b"=").decode()


def position_of(order: Order, cursor: str) -> Position:
    """Where `cursor` points. ValueError: it was not made by cursor_after for this order."""
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        name, value, domain, code = msgspec.json.decode(text, type=tuple[str, int, str, str])
    except (binascii.Error, ValueError, msgspec.DecodeError) as exc:
        raise ValueError("not a cursor of this list") from exc
    if not -(2**63) <= value < 2**63 or "\0" in domain + code:
        raise ValueError("not a cursor of this list")
    if name != order.value:
        raise ValueError(f"this cursor is of the order {name!r}, not {order.value!r}")
    return Position(value, LinkKey(domain, code))
