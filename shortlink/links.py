"""The link: its key, its fields, and what may be asked of it."""

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from msgspec import Struct

DEFAULT_DOMAIN: Final = ""
DEFAULT_STATUS: Final = 302
DEFAULT_CACHE_CONTROL: Final = "private, max-age=0"
REDIRECT_STATUSES: Final = (301, 302, 303, 307, 308)  # RFC 9110 §15.4, less 300, 304 and 305


class LinkKey(NamedTuple):
    """What names a link: the default domain is the empty string."""

    domain: str
    code: str


# Structs rather than frozen dataclasses: making one costs 0.3 us instead of 3 to 5, and an import makes two a link.


class LinkFields(Struct, frozen=True, kw_only=True):
    """What its owner decides about a link; `code` and `domain` name it, and can't be changed later.

    Times are milliseconds since the Unix epoch; None means without a limit. `target`,
    `expired_target`: printable ASCII, as `shortlink.urls.parse_target` returns them. `rules` and
    `password_hash` are kept for later releases and are None today, as is `max_visits`.
    """

    target: str
    status: int = DEFAULT_STATUS
    cache_control: str = DEFAULT_CACHE_CONTROL
    not_before: int | None = None
    expires_at: int | None = None
    max_visits: int | None = None
    expired_target: str | None = None
    password_hash: str | None = None
    forward_query: bool = False
    rules: str | None = None
    title: str | None = None
    tags: tuple[str, ...] = ()
    enabled: bool = True


class NewLink(LinkFields, frozen=True, kw_only=True):
    """A link to add. `code` None: the store draws a free one. `owner_key`: the API key's id that asks."""

    domain: str = DEFAULT_DOMAIN
    code: str | None = None
    owner_key: str | None = None
    idempotency: "Idempotency | None" = None


@dataclass(frozen=True, slots=True)
class Idempotency:
    """What makes a repeated create answer as the first did (draft-ietf-httpapi-idempotency-key-header).

    Attributes:
        scope: who asks (an API key's id): the same key of two clients does not meet.
        key: the client's word, at most 255 characters.
        fingerprint: SHA-256 of the request, so that one key for two requests is noticed.
    """

    scope: str
    key: str
    fingerprint: bytes


class Link(LinkFields, frozen=True, kw_only=True):
    """A link as stored. `version` grows with each change: max(previous + 1, ms << 16)."""

    domain: str
    code: str
    owner_key: str | None
    created_at: int
    updated_at: int
    version: int

    @property
    def key(self) -> LinkKey:
        return LinkKey(self.domain, self.code)


@dataclass(frozen=True, slots=True)
class Added:
    """The link was stored; `replayed`: by an earlier request with the same idempotency key."""

    link: Link
    replayed: bool = False


class Refused(enum.Enum):
    """Why a link was not added."""

    TAKEN = "taken"  # the code belongs to another link
    IDEMPOTENCY_REUSED = "idempotency-reused"  # the same idempotency key came with another request
    IDEMPOTENCY_REMOVED = "idempotency-removed"  # the link that the first request made is gone


class Missed(enum.Enum):
    """Why a change or a removal did nothing."""

    ABSENT = "absent"
    STALE = "stale"  # the link's version is not the one that the caller saw


@dataclass(frozen=True, slots=True)
class LinkPatch:
    """New values by field name of LinkFields; fields that are not named keep theirs."""

    values: Mapping[str, Any] = field(default_factory=dict)


class Order(enum.Enum):
    """How a list is ordered; ties go by domain and code."""

    NEWEST = "newest"
    OLDEST = "oldest"
    UPDATED = "updated"  # last changed first
    CODE = "code"


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkQuery:
    """Which links to list: `search` is a part of code, target or title, without case."""

    search: str | None = None
    tag: str | None = None
    domain: str | None = None
    order: Order = Order.NEWEST
    cursor: str | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True)
class LinkPage:
    """One page of a list; `next_cursor` None: it is the last."""

    links: Sequence[Link]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Change:
    """A link was added, changed or removed; what it is now must be read from the store."""

    key: LinkKey
    version: int


@dataclass(frozen=True, slots=True)
class Changes:
    """What the feed holds after a cursor, oldest first; `cursor` is where to go on."""

    changes: Sequence[Change]
    cursor: str
