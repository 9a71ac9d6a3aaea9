"""The first lines of replies: made anew each second, because of their Date, and then only copied."""

from email.utils import formatdate
from typing import TYPE_CHECKING, Final

from gateway.http.answers import STATUS_LINES
from gateway.http.head import Persistence
from shortlink.links import REDIRECT_STATUSES

if TYPE_CHECKING:
    from collections.abc import Mapping


class ReplyStarts:
    """Everything that stands before the fields of one reply's own, for one second.

    Attributes:
        redirects: starts of redirects up to their target, by status, by Persistence.
    """

    def __init__(self, referrer_policy: str) -> None:
        self._up_to_target = b"Referrer-Policy: %b\r\nLocation: " % referrer_policy.encode("ascii")
        self.redirects: tuple[Mapping[int, bytes], ...] = ()
        self._common: tuple[bytes, ...] = ()
        self.at(0)

    def at(self, second: int) -> None:
        """Date replies from now on with this second since the Unix epoch."""
        date = formatdate(second, usegmt=True).encode("ascii")
        self._common = tuple(
            b"Date: %b\r\nX-Content-Type-Options: nosniff\r\n%b" % (date, connection) for connection in _CONNECTION
        )
        self.redirects = tuple(
            {status: STATUS_LINES[status] + common + self._up_to_target for status in REDIRECT_STATUSES}
            for common in self._common
        )

    def other(self, status: int, persistence: Persistence) -> bytes:
        """The start of a reply that is no redirect."""
        return STATUS_LINES[status] + self._common[persistence]


_CONNECTION: Final = (b"", b"Connection: close\r\n", b"Connection: keep-alive\r\n")  # by Persistence
