"""Codes and aliases: how they are drawn, and what may be chosen."""

import os
import re
import string
from typing import Final

from shortlink.errors import InvalidLink

CODE_LENGTH: Final = 7
ALPHABET: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
MAX_ALIAS_LENGTH: Final = 64
MAX_DRAWS: Final = 16  # of a code that is taken; at a billion links two in a row happen once in ten million

# First segments of paths that edge, control plane or browsers know, and those that later releases may want.
# They are refused in any case of letters, since people read them so.
_WORDS: Final = """
about account accounts admin api apis app apps assets auth billing blog bulk callback cgi-bin cdn-cgi config console
contact dashboard debug doc docs download edge302 error errors export favicon graphql health healthz help home
imprint import index info internal legal link links live livez login logout manifest me metrics new null oauth
openapi password ping preview pricing privacy public qr ready readyz redoc register report rest robots root search
security session sessions settings setup shorten shortener signin signout signup sitemap static stats status
support swagger system terms ui undefined upload user users version well-known webhook webhooks www
"""
RESERVED: Final = frozenset(_WORDS.split())

_ALIAS: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_CHUNK_BYTES: Final = 4_096
# Bytes below 248 = 4 * 62 stand for a letter each, all equally often; the others are left out.
_LETTERS: Final = bytes(ord(ALPHABET[byte % 62]) for byte in range(256))
_LEFT_OUT: Final = bytes(range(248, 256))
_drawn_ahead: Final[list[str]] = []


def random_code() -> str:
    """7 characters of [0-9A-Za-z] from the system's CSPRNG, all 62**7 equally likely, never a reserved word."""
    while (code := _drawn()).lower() in RESERVED:
        pass
    return code


def _drawn() -> str:
    """One of many that are drawn at once: a call of the system for each would cost ten times as much."""
    while True:
        try:
            return _drawn_ahead.pop()  # atomic: threads may share it
        except IndexError:
            letters = os.urandom(_CHUNK_BYTES).translate(_LETTERS, _LEFT_OUT).decode()
            whole = len(letters) // CODE_LENGTH * CODE_LENGTH
            _drawn_ahead.extend(letters[at : at + CODE_LENGTH] for at in range(0, whole, CODE_LENGTH))


def parse_alias(text: str) -> str:
    """An alias as it stands, if it may be one: 1–64 of [A-Za-z0-9_-] and no reserved word.

    Raises:
        InvalidLink: field "alias", kind "alias-invalid" or "alias-reserved".
    """
    if _ALIAS.fullmatch(text) is None:
        raise InvalidLink(
            "alias", "alias-invalid", f"an alias is 1 to {MAX_ALIAS_LENGTH} of the characters A–Z, a–z, 0–9, _ and -"
        )
    if text.lower() in RESERVED:
        raise InvalidLink("alias", "alias-reserved", f"{text!r} is reserved for the service itself")
    return text
