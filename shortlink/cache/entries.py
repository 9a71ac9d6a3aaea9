"""Copies and announcements as bytes in Redis."""

from typing import Final

import msgspec
from msgspec import Struct

from shortlink.cache.contract import Announcement, CacheUnavailable, Copy
from shortlink.links import Change, Link, LinkKey

VERSION_DIGITS: Final = 16  # hexadecimal, so that Redis compares versions as text: its numbers end at 2**53


class _Entry(Struct, frozen=True, array_like=True):
    confirmed_ms: int
    link: Link | None


class _Message(Struct, frozen=True, array_like=True):
    term: int
    run: str
    before: str
    cursor: str
    store_answers: bool
    changes: list[tuple[str, str, int]]


_encode: Final = msgspec.msgpack.Encoder().encode
_decode_entry: Final = msgspec.msgpack.Decoder(_Entry).decode
_decode_message: Final = msgspec.msgpack.Decoder(_Message).decode


def encode_copy(copy: Copy) -> bytes:
    """The version in hexadecimal, then the copy."""
    return f"{copy.version:0{VERSION_DIGITS}x}".encode() + _encode(_Entry(copy.confirmed_ms, copy.link))


def decode_copy(value: bytes) -> Copy:
    """What `encode_copy` made. CacheUnavailable: it is something else."""
    try:
        entry = _decode_entry(value[VERSION_DIGITS:])
        return Copy(int(value[:VERSION_DIGITS], 16), entry.link, entry.confirmed_ms)
    except (ValueError, msgspec.DecodeError) as exc:
        raise CacheUnavailable(
            "Redis holds what is no copy of a link under a key of ours; is the prefix shared?"
        ) from exc


def encode_announcement(announcement: Announcement) -> bytes:
    """One message of a relay."""
    changes = [(*change.key, change.version) for change in announcement.changes]
    a = announcement
    return _encode(_Message(a.term, a.run, a.before, a.cursor, a.store_answers, changes))


def decode_announcement(value: bytes) -> Announcement:
    """What `encode_announcement` made. CacheUnavailable: it is something else."""
    try:
        message = _decode_message(value)
    except msgspec.DecodeError as exc:
        raise CacheUnavailable("somebody else publishes on the channel of the relays; is the prefix shared?") from exc
    changes = [Change(LinkKey(domain, code), version) for domain, code, version in message.changes]
    return Announcement(message.term, message.run, message.before, message.cursor, changes, message.store_answers)
