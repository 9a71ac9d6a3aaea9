"""The language that a visitor asks for first."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from clicks.events.texts import members

MAX_TAG: Final = 35  # RFC 5646 §4.4.1
SPOOLED_BYTES: Final = 64  # longer headers are cut when they are recorded


def describe_language(raw: bytes) -> bytes:
    """`language` as a JSON member."""
    return members({"language": preferred(raw)})


def preferred(raw: bytes) -> str:
    """The tag with the highest weight in an Accept-Language, of equal ones the first (RFC 9110 §12.5.4).

    Spelt as RFC 5646 §2.1.1 has it, such as "pt-BR"; empty: none is named. `raw`: as the spool keeps it.
    """
    wishes = list(_wishes(raw))
    return max(wishes, key=lambda wish: wish.weight).tag if wishes else ""


class _Wish(NamedTuple):
    weight: float
    tag: str


def _wishes(raw: bytes) -> Iterator[_Wish]:
    parts = raw.decode("latin-1").split(",")
    if len(raw) >= SPOOLED_BYTES and len(parts) > 1:
        parts.pop()  # without its end a weight is not known
    for part in parts:
        found = _WISH.fullmatch(part)
        if found is None or len(found["tag"]) > MAX_TAG:
            continue
        if weight := float(found["weight"] or 1):  # 0: anything but this
            yield _Wish(weight, canonical(found["tag"]))


# RFC 4647 §2.1, whose first part is a language (no "*"), and RFC 9110 §12.4.2.
_WISH: Final = re.compile(
    r"[ \t]*(?P<tag>[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*)"
    r"(?:[ \t]*;[ \t]*[qQ]=(?P<weight>0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?))?[ \t]*"
)


def canonical(tag: str) -> str:
    """The tag in the letters' usual case: a region in capitals, a script with one, anything else small."""
    language, *rest = tag.lower().split("-")
    for at, part in enumerate(rest):
        if len(part) == 1:  # what follows has meanings of its own
            break
        rest[at] = part.upper() if len(part) == 2 else part.title() if len(part) == 4 and part.isalpha() else part
    return "-".join([language, *rest])
