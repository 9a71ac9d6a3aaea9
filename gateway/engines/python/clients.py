"""Who sends requests: what a click and a budget need to know of a client, worked out once and remembered."""

from typing import TYPE_CHECKING, Final, NamedTuple

from gateway.budget import network_of
from redirect_core import PREFETCH, UNTRACKED, Visitor

if TYPE_CHECKING:
    from collections.abc import Collection

    from gateway.http.addresses import ClientAddresses
    from gateway.http.fields import Fields
    from shortlink.settings import Settings

# The peer's address, and all of a request that follows its target.
Sender = tuple[str | None, bytes]

MAX_REMEMBERED: Final = 1_024  # of at most 6 KiB each


class Client(NamedTuple):
    """Who sends some fields."""

    domain: bytes
    visitor: Visitor
    network: bytes
    flags: int


class Clients:
    """Clients by what they send: a proxy's connection carries the requests of many, and each repeats its own."""

    def __init__(self, addresses: "ClientAddresses", domains: "Collection[bytes]", settings: "Settings") -> None:
        self._addresses = addresses
        self._domains = domains
        self._ip_privacy = settings.ip_privacy
        self._honours_do_not_track = settings.honour_do_not_track
        self._remembered: dict[Sender, Client] = {}
        self.get = self._remembered.get

    def of(self, peer: str | None, fields: "Fields") -> Client:
        """Work out who it is."""
        address = self._addresses.client(peer, fields.forwarded_for, fields.forwarded)
        packed = address.packed if address is not None else b""
        host = fields.host or b""
        flags = PREFETCH if fields.prefetch else 0
        if fields.untracked and self._honours_do_not_track:
            flags |= UNTRACKED
            visitor = Visitor.untracked(fields.user_agent)
        else:
            visitor = Visitor(packed, fields.referrer, fields.user_agent, fields.language, ip_privacy=self._ip_privacy)
        return Client(host if host in self._domains else b"", visitor, network_of(address), flags)

    def remember(self, sender: Sender, client: Client) -> None:
        """Know this sender's next request by its bytes; the one remembered for longest makes room."""
        remembered = self._remembered
        if sender not in remembered and len(remembered) >= MAX_REMEMBERED:
            del remembered[next(iter(remembered))]
        remembered[sender] = client


NOBODY: Final = Client(b"", Visitor(b"", b"", b"", b""), b"", 0)
