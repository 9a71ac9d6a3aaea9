"""API keys: how they look, what they allow, and whether a presented one is good; pure."""

import enum
import hashlib
import hmac
import re
import secrets
from collections.abc import Set
from dataclasses import dataclass
from typing import Final

PREFIX_CHARS: Final = 8
SECRET_BYTES: Final = 32  # 256 bits: a plain SHA-256 is enough at rest, nobody can try them all
_PREFIX_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_LOOKS: Final = re.compile(rf"e302_([0-9A-Za-z]{{{PREFIX_CHARS}}})_[0-9A-Za-z_-]{{43}}", re.ASCII)


class Scope(enum.StrEnum):
    """What a key may be used for; ADMIN allows everything."""

    LINKS_READ = "links:read"
    LINKS_WRITE = "links:write"
    STATS_READ = "stats:read"
    ADMIN = "admin"


class KeyFault(enum.Enum):
    """Why a presented key is not accepted."""

    INVALID = "invalid"  # not one of ours, or not spelt like one
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key as stored: its secret is not in it. Times are ms since the Unix epoch; None: never."""

    id: str
    prefix: str
    name: str
    digest: bytes
    scopes: Set[Scope]
    created_at: int
    expires_at: int | None = None
    revoked_at: int | None = None
    last_used_at: int | None = None

    def allows(self, scope: Scope) -> bool:
        """True if the key may be used for `scope`."""
        return scope in self.scopes or Scope.ADMIN in self.scopes


def draw() -> str:
    """A new key in clear: `e302_<prefix>_<secret>`; the prefix finds its record, the secret proves it."""
    prefix = "".join(secrets.choice(_PREFIX_ALPHABET) for _ in range(PREFIX_CHARS))
    return f"e302_{prefix}_{secrets.token_urlsafe(SECRET_BYTES)}"


def prefix_of(text: str) -> str | None:
    """The prefix of a presented key; None: it is not spelt like a key."""
    match = _LOOKS.fullmatch(text)
    return match[1] if match else None


def digest_of(text: str) -> bytes:
    """What is stored in place of a key."""
    return hashlib.sha256(text.encode("ascii")).digest()


def fault_of(key: ApiKey, text: str, now_ms: int) -> KeyFault | None:
    """Why `text` can't be used as `key` now; None: it can.

    The secret comes first, so that only its holder learns that a key was revoked or has expired.
    """
    if not hmac.compare_digest(digest_of(text), key.digest):
        return KeyFault.INVALID
    if key.revoked_at is not None:
        return KeyFault.REVOKED
    if key.expires_at is not None and key.expires_at <= now_ms:
        return KeyFault.EXPIRED
    return None
