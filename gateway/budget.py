"""How many unknown codes one network may ask for: a token bucket each, in bounded memory."""

import math
from typing import TYPE_CHECKING, Final

from cachetools import LRUCache

if TYPE_CHECKING:
    from gateway.http.addresses import Address

MAX_NETWORKS: Final = 65_536  # past it the network unheard of for longest starts afresh


class UnknownBudget:
    """Tokens of networks: /24 of IPv4, /64 of IPv6. A full bucket holds one minute's worth.

    A code that must be looked up takes a token, and gives it back if it turns out to be known.
    """

    def __init__(self, per_minute: int) -> None:
        """`per_minute` 0: no limit."""
        self._per_minute = per_minute
        self._buckets: LRUCache[bytes, tuple[float, float]] = LRUCache(MAX_NETWORKS)

    def __len__(self) -> int:
        """How many networks are remembered."""
        return len(self._buckets)

    def take(self, network: bytes, now: float) -> int:
        """Take a token at `now` (seconds, monotonic). 0: taken; else seconds until there is one.

        `network` empty: an unknown client, without a limit.
        """
        if not self._per_minute or not network:
            return 0
        tokens = self._tokens(network, now)
        if tokens < 1:
            return math.ceil((1 - tokens) * 60 / self._per_minute)
        self._buckets[network] = (tokens - 1, now)
        return 0

    def give_back(self, network: bytes, now: float) -> None:
        """The code that a token was taken for is a known one, or nobody knows."""
        if self._per_minute and network:
            self._buckets[network] = (min(self._tokens(network, now) + 1, self._per_minute), now)

    def _tokens(self, network: bytes, now: float) -> float:
        tokens, since = self._buckets.get(network, (float(self._per_minute), now))
        return min(tokens + (now - since) * self._per_minute / 60, self._per_minute)


def network_of(address: "Address | None") -> bytes:
    """The bytes that name an address's network; empty for an unknown address."""
    if address is None:
        return b""
    return address.packed[: 3 if address.version == 4 else 8]
