"""Whether a link's bytes may stand in a reply: looked at again whenever an engine takes a link in."""

import re
from typing import Final

from shortlink.links import REDIRECT_STATUSES, Link
from shortlink.urls import is_safe_target


def is_fit(link: Link) -> bool:
    """False for a link whose reply could do harm, or could not be made: it is answered with 500."""
    return (
        link.status in REDIRECT_STATUSES
        and _CACHE_CONTROL(link.cache_control) is not None
        and _is_fit_target(link.target)
        and (link.expired_target is None or _is_fit_target(link.expired_target))
    )


def _is_fit_target(target: str) -> bool:
    return _TARGET(target) is not None and is_safe_target(target)


_TARGET: Final = re.compile(r"[!-~]+").fullmatch
_CACHE_CONTROL: Final = re.compile(r"[ -~]+").fullmatch
