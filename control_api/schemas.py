"""The bodies of the API: each defined once, for decoding, encoding and the OpenAPI document."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from control_api.access.keys import Scope
from shortlink.links import DEFAULT_CACHE_CONTROL, DEFAULT_STATUS

# What the rules of links enforce (with problems of their own) is told here without msgspec checking it too.
Url = Annotated[
    str,
    Meta(
        description="an http or https URL, at most 8,000 bytes once serialised",
        extra_json_schema={"format": "uri", "pattern": "^[Hh][Tt][Tt][Pp][Ss]?://", "maxLength": 8_000},
        examples=["https://example.com/welcome"],
    ),
]
Alias = Annotated[
    str,
    Meta(
        description="the code to use instead of a random one: 1 to 64 of A-Z a-z 0-9 _ -",
        extra_json_schema={"pattern": "^[A-Za-z0-9_-]{1,64}$"},
        examples=["welcome"],
    ),
]
Code = Annotated[str, Meta(description="what follows the slash in the short URL", examples=["welcome"])]
Domain = Annotated[str, Meta(description="a host of its own; empty: the default one", examples=[""])]
Status = Annotated[Literal[301, 302, 303, 307, 308], Meta(description="status code of the redirect")]
CacheControl = Annotated[
    str,
    Meta(
        description="Cache-Control header of the redirect",
        max_length=200,
        examples=[DEFAULT_CACHE_CONTROL],
    ),
]
Time = Annotated[datetime, Meta(tz=True, description="RFC 3339", examples=["2030-01-01T00:00:00Z"])]
NotBefore = Annotated[Time, Meta(description="RFC 3339: answered 404 before")]
ExpiresAt = Annotated[Time, Meta(description="RFC 3339: answered 410, or with expired_target, from then on")]
# Refused by the rules whatever it is, so that nobody believes it to be stored.
Unsupported = Annotated[Any, Meta(description="not supported yet: must be null", extra_json_schema={"type": "null"})]
ForwardQuery = Annotated[bool, Meta(description="append the visitor's query to the target's")]
Title = Annotated[str, Meta(description="for people; control characters are refused", max_length=512)]
Tags = Annotated[
    tuple[Annotated[str, Meta(min_length=1, max_length=64)], ...],
    Meta(description="words to find links by", max_length=32, examples=[["campaign", "spring"]]),
]
Enabled = Annotated[bool, Meta(description="false: answered 404")]
IdempotencyKey = Annotated[str, Meta(description="repeat it and no second link is made", min_length=1, max_length=255)]
Version = Annotated[str, Meta(description="grows with each change; quoted, it is the ETag", examples=["115343360000"])]


class NewLinkBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """A link to make."""

    url: Url
    alias: Alias | None = None
    domain: Domain = ""
    status: Status = DEFAULT_STATUS
    cache_control: CacheControl = DEFAULT_CACHE_CONTROL
    not_before: NotBefore | None = None
    expires_at: ExpiresAt | None = None
    max_visits: Unsupported = None
    expired_target: Url | None = None
    password: Unsupported = None
    forward_query: ForwardQuery = False
    rules: Unsupported = None
    title: Title | None = None
    tags: Tags = ()
    enabled: Enabled = True


class BulkLine(NewLinkBody, kw_only=True, forbid_unknown_fields=True):
    """One line of a bulk request: a link to make."""

    idempotency_key: IdempotencyKey | None = None


class LinkPatchBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """A JSON merge patch (RFC 7396) of a link: fields left out keep their value, null puts one back to its default."""

    url: Url | UnsetType = UNSET
    status: Status | UnsetType | None = UNSET
    cache_control: CacheControl | UnsetType | None = UNSET
    not_before: NotBefore | UnsetType | None = UNSET
    expires_at: ExpiresAt | UnsetType | None = UNSET
    max_visits: Unsupported = UNSET
    expired_target: Url | UnsetType | None = UNSET
    password: Unsupported = UNSET
    forward_query: ForwardQuery | UnsetType | None = UNSET
    rules: Unsupported = UNSET
    title: Title | UnsetType | None = UNSET
    tags: Tags | UnsetType | None = UNSET
    enabled: Enabled | UnsetType | None = UNSET


class LinkBrief(Struct, kw_only=True):
    """What a made link is called."""

    code: Code
    short_url: Annotated[str, Meta(examples=["https://go.example.com/welcome"])]
    target: Annotated[str, Meta(description="where visitors are sent", examples=["https://example.com/welcome"])]


class LinkView(LinkBrief, kw_only=True):
    """A link."""

    domain: Domain
    status: Annotated[int, Meta(description="status code of the redirect", examples=[302])]
    cache_control: str
    not_before: Time | None
    expires_at: Time | None
    max_visits: int | None
    expired_target: str | None
    forward_query: bool
    title: str | None
    tags: tuple[str, ...]
    enabled: bool
    created_at: Time
    updated_at: Time
    version: Version


class LinkListView(Struct, kw_only=True):
    """A page of links."""

    links: list[LinkView]
    next_cursor: Annotated[str | None, Meta(description="ask for the next page with it; null: this is the last")]


class ProblemView(Struct, kw_only=True, omit_defaults=True):
    """A problem (RFC 9457)."""

    type: Annotated[str, Meta(description="the stable name of its kind", examples=["/problems/alias-taken"])]
    title: Annotated[str, Meta(examples=["The alias belongs to another link"])]
    status: Annotated[int, Meta(examples=[409])]
    detail: Annotated[str, Meta(description="what is wrong here, and how to mend it")]
    field: Annotated[str | None, Meta(description="the field, parameter or header at fault")] = None
    request_id: Annotated[str | None, Meta(description="finds this request in the logs")] = None


class BulkMade(Struct, kw_only=True, omit_defaults=True):
    """The result of a good line."""

    line: Annotated[int, Meta(description="number of the line, from 1", ge=1)]
    status: Literal[201]
    link: LinkBrief
    replayed: Annotated[bool, Meta(description="an earlier line with this idempotency_key had made it")] = False


class BulkRefused(Struct, kw_only=True):
    """The result of a bad line."""

    line: Annotated[int, Meta(description="number of the line, from 1", ge=1)]
    status: Annotated[int, Meta(ge=400, le=599)]
    problem: ProblemView


class HourView(Struct, kw_only=True):
    """Clicks in one hour."""

    start: Time
    clicks: int


class LinkStatsView(Struct, kw_only=True):
    """Clicks on a link; HEAD requests stand in by_class alone."""

    total: int
    today: Annotated[int, Meta(description="since midnight UTC")]
    last_24h: Annotated[list[HourView], Meta(description="oldest first; the last hour is the current one")]
    by_class: Annotated[dict[str, int], Meta(examples=[{"human": 40, "bot": 2, "head": 1}])]


class ServiceStatsView(LinkStatsView, kw_only=True):
    """Clicks on all links."""

    links: Annotated[int, Meta(description="how many links there are")]
    dropped: Annotated[dict[str, int], Meta(description="clicks known to be lost, by reason", examples=[{}])]


class NewKeyBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """An API key to make."""

    name: Annotated[
        str,
        Meta(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$", examples=["website"]),
    ]
    scopes: Annotated[tuple[Scope, ...], Meta(min_length=1, max_length=4, examples=[["links:read", "links:write"]])]
    expires_at: Time | None = None


class KeyView(Struct, kw_only=True):
    """An API key, without its secret."""

    id: Annotated[str, Meta(examples=["key_0123456789abcdef"])]
    prefix: Annotated[str, Meta(description="the part of the key that logs and lists may show", examples=["Ab3dEf9h"])]
    name: str
    scopes: list[Scope]
    created_at: Time
    expires_at: Time | None
    revoked_at: Time | None
    last_used_at: Time | None


class MadeKeyView(KeyView, kw_only=True):
    """An API key with its secret, shown this once."""

    key: Annotated[str, Meta(examples=["e302_Ab3dEf9h_" + "x" * 43])]


class KeyListView(Struct, kw_only=True):
    """All API keys."""

    keys: list[KeyView]


class HealthView(Struct, kw_only=True):
    """That the service is well."""

    status: Literal["ok"] = "ok"


class HealthDetailView(Struct, kw_only=True):
    """How the service and what it stands on are doing."""

    status: Literal["ok", "degraded"]
    version: str
    uptime_seconds: int
    store: Literal["ok", "unavailable"]
    clicks: Literal["ok", "unavailable"]


VIEWS: Final = (
    NewLinkBody,
    BulkLine,
    LinkPatchBody,
    LinkView,
    LinkListView,
    ProblemView,
    BulkMade,
    BulkRefused,
    LinkStatsView,
    ServiceStatsView,
    NewKeyBody,
    KeyView,
    MadeKeyView,
    KeyListView,
    HealthView,
    HealthDetailView,
)
