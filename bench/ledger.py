"""The click ledger of one node: what its clients saw answered beside what its statistics count."""

import time
from dataclasses import dataclass

from bench.node import Node
from bench.void import Void


@dataclass(slots=True)
class Ledger:
    """Grows with each load.

    Attributes:
        answered: GETs answered with a redirect.
        heads: HEADs answered with one; they are counted in a class of their own, and not in the total.
        in_flight: requests that may have been answered when a load ended, unseen.
    """

    answered: int = 0
    heads: int = 0
    in_flight: int = 0

    def compare(self, node: Node) -> int:
        """Clicks that the node has counted, HEADs aside.

        Raises:
            Void: fewer than were answered, more than that and what was in flight, or some were dropped.
        """
        time.sleep(1)  # the promise: a click is in the statistics within a second
        status, stats = node.ask("GET", "/api/stats")
        if status != 200:
            raise Void(f"GET /api/stats was answered {status}: {stats}")
        total: int = stats["total"]
        for what, seen, counted in (("GETs", self.answered, total), ("HEADs", self.heads, stats["by_class"]["head"])):
            if not seen <= counted <= seen + self.in_flight:
                raise Void(f"{seen} {what} were redirected, {self.in_flight} in flight at most, {counted} counted")
        if stats["dropped"]:
            raise Void(f"clicks were dropped: {stats['dropped']}")
        return total
