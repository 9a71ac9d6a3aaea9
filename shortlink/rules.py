"""What every field of a link must be, wherever it comes from: API, bulk or import."""

import re
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from shortlink.codes import parse_alias
from shortlink.errors import InvalidLink
from shortlink.links import (
    DEFAULT_CACHE_CONTROL,
    DEFAULT_DOMAIN,
    DEFAULT_STATUS,
    REDIRECT_STATUSES,
    Idempotency,
    Link,
    LinkPatch,
    NewLink,
)
from shortlink.urls import parse_target

MAX_CACHE_CONTROL_CHARS: Final = 200
MAX_TITLE_CHARS: Final = 512
MAX_TAGS: Final = 32
MAX_TAG_CHARS: Final = 64
MAX_TIME_MS: Final = 253_402_300_799_999  # the last of the year 9999, as far as RFC 3339 goes

# RFC 9111 §5.2: directives of a token, and perhaps a token or quoted string; without tabs.
_WORD: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # a token, in the RFC's words
_QUOTED: Final = r'"(?:[ !#-\[\]-~]|\\[ -~])*"'
_DIRECTIVE: Final = rf"{_WORD}(?:=(?:{_WORD}|{_QUOTED}))?"
_CACHE_CONTROL: Final = re.compile(rf"{_DIRECTIVE}(?: *, *{_DIRECTIVE})*")
_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class LinkRules:
    """The rules of one service.

    Values come in under the names and with the types of the API, times as ms since the Unix epoch; None is a
    field that was not given. What comes out is ready to be stored. Every method raises InvalidLink.

    Attributes:
        own_hosts: hosts that no link may lead to; see Settings.own_hosts.
        domains: domains that links may be of, besides the default one; see Settings.domains.
    """

    own_hosts: Set[str]
    domains: Set[str]

    def new(
        self,
        *,
        url: str,
        alias: str | None = None,
        domain: str | None = None,
        status: int | None = None,
        cache_control: str | None = None,
        not_before: int | None = None,
        expires_at: int | None = None,
        max_visits: int | None = None,
        expired_target: str | None = None,
        password: str | None = None,
        forward_query: bool | None = None,
        rules: object = None,
        title: str | None = None,
        tags: Sequence[str] | None = None,
        enabled: bool | None = None,
        owner_key: str | None = None,
        idempotency: Idempotency | None = None,
    ) -> NewLink:
        """A link to add; `owner_key` and `idempotency` are the caller's own and pass unchecked."""
        # Straight down, and nothing done for fields that were not given: an import runs this for each line.
        _refuse_unsupported("max_visits", max_visits)
        _refuse_unsupported("password", password)
        _refuse_unsupported("rules", rules)
        _check_times(not_before, expires_at)
        return NewLink(
            target=parse_target(url, self.own_hosts),
            code=None if alias is None else parse_alias(alias),
            domain=DEFAULT_DOMAIN if domain is None else self._domain(domain),
            status=DEFAULT_STATUS if status is None else _status(status),
            cache_control=DEFAULT_CACHE_CONTROL if cache_control is None else _cache_control(cache_control),
            not_before=not_before,
            expires_at=expires_at,
            expired_target=None
            if expired_target is None
            else parse_target(expired_target, self.own_hosts, "expired_target"),
            forward_query=bool(forward_query),
            title=None if title is None else _title(title),
            tags=_tags(tags) if tags else (),
            enabled=enabled is not False,
            owner_key=owner_key,
            idempotency=idempotency,
        )

    def patch(self, values: Mapping[str, Any], link: Link | None = None) -> LinkPatch:
        """New values for a link's fields; None puts a field back to its default.

        Args:
            values: by the API's names. Only fields that are named change.
            link: the link as it is, for the rule between its two times when one of them is not named.
        """
        patch = {}
        for name, value in values.items():
            if name not in _PATCHED:
                raise InvalidLink(name, "not-changeable", f"{name} can't be changed once the link exists")
            field, default, check = _PATCHED[name]
            if value is not None:
                value = check(self, value)
            elif default is _REQUIRED:
                raise InvalidLink(name, "required", f"{name} can't be removed")
            patch[field] = default if value is None else value
        _check_times(
            patch.get("not_before", link and link.not_before), patch.get("expires_at", link and link.expires_at)
        )
        return LinkPatch(patch)

    def _domain(self, value: str) -> str:
        if value != DEFAULT_DOMAIN and value not in self.domains:
            raise InvalidLink("domain", "unknown-domain", f"{value!r} is not one of this service's domains")
        return value


def _status(value: int) -> int:
    if value not in REDIRECT_STATUSES:
        raise InvalidLink("status", "status-invalid", f"a status is one of {', '.join(map(str, REDIRECT_STATUSES))}")
    return value


@lru_cache(maxsize=256)  # few different ones, in many links
def _cache_control(value: str) -> str:
    if len(value) > MAX_CACHE_CONTROL_CHARS or _CACHE_CONTROL.fullmatch(value) is None:
        raise InvalidLink(
            "cache_control",
            "cache-control-invalid",
            f"not a Cache-Control value of at most {MAX_CACHE_CONTROL_CHARS} characters, such as public, max-age=300",
        )
    return value


def _time(field: str, value: int) -> int:
    if not 0 <= value <= MAX_TIME_MS:
        raise InvalidLink(field, "time-out-of-range", f"{field} is a time in the years 1970 to 9999")
    return value


def _check_times(not_before: int | None, expires_at: int | None) -> None:
    """A link may be past its time already, but there must be a time at which it leads somewhere."""
    if not_before is not None:
        _time("not_before", not_before)
    if expires_at is not None:
        _time("expires_at", expires_at)
        if not_before is not None and not_before >= expires_at:
            raise InvalidLink("expires_at", "times-reversed", "expires_at must be later than not_before")


def _title(value: str) -> str:
    if len(value) > MAX_TITLE_CHARS or _UNPRINTABLE.search(value):
        raise InvalidLink(
            "title", "title-invalid", f"a title has at most {MAX_TITLE_CHARS} characters and no control characters"
        )
    return value


def _tags(values: Sequence[str]) -> tuple[str, ...]:
    """In the given order, each once."""
    tags = tuple(dict.fromkeys(values))
    if len(tags) > MAX_TAGS:
        raise InvalidLink("tags", "tags-invalid", f"a link has at most {MAX_TAGS} tags")
    for tag in tags:
        if not 1 <= len(tag) <= MAX_TAG_CHARS or "," in tag or _UNPRINTABLE.search(tag):
            raise InvalidLink(
                "tags", "tags-invalid", f"a tag has 1 to {MAX_TAG_CHARS} characters, no commas or control characters"
            )
    return tags


def _refuse_unsupported(field: str, value: object) -> None:
    if value is not None:
        raise InvalidLink(field, "not-yet-supported", f"{field} is not supported yet")


def _unsupported(field: str) -> Callable[[LinkRules, Any], None]:
    return lambda _, value: _refuse_unsupported(field, value)


_REQUIRED: Final = object()

# By the API's name: the link's field, its default, and its rule.
_PATCHED: Final[dict[str, tuple[str, Any, Callable[[LinkRules, Any], Any]]]] = {
    "url": ("target", _REQUIRED, lambda rules, value: parse_target(value, rules.own_hosts)),
    "status": ("status", DEFAULT_STATUS, lambda _, value: _status(value)),
    "cache_control": ("cache_control", DEFAULT_CACHE_CONTROL, lambda _, value: _cache_control(value)),
    "not_before": ("not_before", None, lambda _, value: _time("not_before", value)),
    "expires_at": ("expires_at", None, lambda _, value: _time("expires_at", value)),
    "max_visits": ("max_visits", None, _unsupported("max_visits")),
    "expired_target": (
        "expired_target",
        None,
        lambda rules, value: parse_target(value, rules.own_hosts, "expired_target"),
    ),
    "password": ("password_hash", None, _unsupported("password")),
    "forward_query": ("forward_query", False, lambda _, value: value),
    "rules": ("rules", None, _unsupported("rules")),
    "title": ("title", None, lambda _, value: _title(value)),
    "tags": ("tags", (), lambda _, value: _tags(value)),
    "enabled": ("enabled", True, lambda _, value: value),
}
