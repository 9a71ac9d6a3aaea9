"""Whose request it is: the peer's address, or the one that a trusted proxy names."""

import ipaddress
import re
from collections.abc import Iterator, Sequence
from typing import Final

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class ClientAddresses:
    """Finds clients behind the proxies that the operator trusts."""

    def __init__(self, trusted_proxies: Sequence[str]) -> None:
        self._networks = [ipaddress.ip_network(network) for network in trusted_proxies]

    def trusts(self, peer: str | None) -> bool:
        """True when this peer's word counts. None: a unix socket, which only this machine's own processes reach."""
        return peer is None or ((address := parse_address(peer)) is not None and self._is_trusted(address))

    def client(self, peer: str | None, forwarded_for: bytes | None, forwarded: bytes | None) -> Address | None:
        """The client: the right-most address that is no trusted proxy's; None: nobody knows.

        X-Forwarded-For wins over Forwarded: a proxy that sets only the former passes on whatever its client
        wrote into the latter.
        """
        nearest = parse_address(peer) if peer is not None else None
        if not self.trusts(peer):
            return nearest
        hops = _x_forwarded_for(forwarded_for) if forwarded_for is not None else _forwarded(forwarded or b"")
        for hop in hops:
            address = parse_address(hop)
            if address is None:  # a name, `unknown` or nonsense: what stands left of it can't be believed
                return nearest
            nearest = address
            if not self._is_trusted(address):
                return nearest
        return nearest

    def _is_trusted(self, address: Address) -> bool:
        return any(address in network for network in self._networks)


def parse_address(text: str) -> Address | None:
    """An IP address, an IPv4-mapped one as IPv4; None: it is none."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        return address.ipv4_mapped or ipaddress.IPv6Address(int(address))  # without its zone
    return address


def _x_forwarded_for(value: bytes) -> Iterator[str]:
    """Addresses, nearest first."""
    for part in reversed(value.split(b",")):
        yield _without_port(part.strip(b" \t").decode("latin-1"))


def _forwarded(value: bytes) -> Iterator[str]:
    """The `for` of each element of a Forwarded field (RFC 7239 §4), nearest first; empty where it has none."""
    for element in reversed(_ELEMENT(value) if value else []):
        found = _FOR(element)
        yield _without_port((found["quoted"] or found["token"] or b"").decode("latin-1")) if found else ""


def _without_port(node: str) -> str:
    """`192.0.2.1:80`, `[2001:db8::1]:80`, `[2001:db8::1]` and bare addresses (RFC 7239 §6)."""
    found = _NODE(node)
    return found["ipv4"] or found["ipv6"] if found else node


_ELEMENT: Final = re.compile(rb"(?:\"(?:[^\"\\]|\\.)*\"|[^,\"])+").findall
_FOR: Final = re.compile(rb"(?:^|;)[ \t]*(?i:for)=(?:\"(?P<quoted>[^\"]*)\"|(?P<token>[^;, \t\"]*))").search
_NODE: Final = re.compile(r"(?P<ipv4>[0-9.]+)(?::[0-9]{1,5})?|\[(?P<ipv6>[0-9A-Fa-f:.]+)\](?::[0-9]{1,5})?").fullmatch
