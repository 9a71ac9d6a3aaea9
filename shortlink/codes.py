"""Codes and aliases: how they are drawn, and what may be chosen."""

import re
import secrets
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
_PAIRS: Final = tuple(a + b for a in ALPHABET for b in ALPHABET)


def random_code() -> str:
    """7 characters of [0-9A-Za-z] from the system's CSPRNG, all 62**7 equally likely, never a reserved word."""
    while (code := _drawn()).lower() in RESERVED:
        pass
    return code


def _drawn() -> str:
    number, last = divmod(secrets.randbelow(62**CODE_LENGTH), 62)
    number, third = divmod(number, 3844)
    first, second = divmod(number, 3844)
    return _PAIRS[first] + _PAIRS[second] + _PAIRS[third] + ALPHABET[last]


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
