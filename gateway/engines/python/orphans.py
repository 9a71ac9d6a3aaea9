"""Visits to codes that no link has: the most asked for, in bounded memory."""

from collections import defaultdict
from collections.abc import Sequence

from gateway.engines.contract import MAX_ORPHANS
from shortlink.orphans import Visits

Visited = tuple[bytes, bytes]  # domain and code


class Orphans:
    """Space-Saving (Metwally, Agrawal, El Abbadi 2005): a code that finds no room takes over the count of the least
    visited one. gateway/engines/contract.py says what the counts are worth.
    """

    def __init__(self) -> None:
        self._counts: dict[Visited, int] = {}
        # Codes by count, in each the one that has waited longest first. Counts grow by one, so the least one does too.
        self._ranking: defaultdict[int, dict[Visited, None]] = defaultdict(dict)
        self._least = 1

    def visit(self, domain: bytes, code: bytes) -> None:
        """Count a visit."""
        visited = (domain, code)
        before = self._counts.get(visited, 0)
        if before:
            self._leave(visited, before)
        elif len(self._counts) >= MAX_ORPHANS:
            before = self._make_room()
        else:
            self._least = 1
        self._counts[visited] = before + 1
        self._ranking[before + 1][visited] = None

    def ranked(self) -> Sequence[Visits]:
        """The most visited first."""
        ranked = [(visited, count) for count in sorted(self._ranking) for visited in self._ranking[count]]
        return [Visits(domain.decode(), code.decode(), count) for (domain, code), count in reversed(ranked)]

    def _make_room(self) -> int:
        """Forget the least visited code; its count."""
        while self._least not in self._ranking:
            self._least += 1
        least = next(iter(self._ranking[self._least]))
        self._leave(least, self._least)
        return self._counts.pop(least)

    def _leave(self, visited: Visited, count: int) -> None:
        del self._ranking[count][visited]
        if not self._ranking[count]:
            del self._ranking[count]
