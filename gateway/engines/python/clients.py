"""Who sends requests: what a click and a budget need to know of a client, worked out once and remembered."""

from typing import TYPE_CHECKING, Final, NamedTuple

from gateway.budget import network_of
from redirect_core import PREFETCH, Visitor

if TYPE_CHECKING:
    from collections.abc import Collection

    from gateway.http.addresses import ClientAddresses
    from gateway.http.fields import Fields

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

    def __init__(self, addresses: "ClientAddresses", domains: "Collection[bytes]") -> None:
        self._addresses = addresses
        self._domains = domains
        self._remembered: dict[Sender, Client] = {}
        self.get = self._remembered.get

    def of(self, peer: str | None, fields: "Fields") -> Client:
        """Work out who it is."""
        address = self._addresses.client(peer, fields.forwarded_for, fields.forwarded)
        packed = address.packed if address is not None else b""
        host = fields.host or b""
        return Client(
            domain=host if host in self._domains else b"",
            visitor=Visitor(packed, fields.referrer, fields.user_agent, fields.language),
            network=network_of(address),
            flags=PREFETCH if fields.prefetch else 0,
        )

    def remember(self, sender: Sender, client: Client) -> None:
        """Know this sender's next request by its bytes; the one remembered for longest makes room."""
        remembered = self._remembered
        if sender not in remembered and len(remembered) >= MAX_REMEMBERED:
            del remembered[next(iter(remembered))]
        remembered[sender] = client


NOBODY: Final = Client(b"", Visitor(b"", b"", b"", b""), b"", 0)
