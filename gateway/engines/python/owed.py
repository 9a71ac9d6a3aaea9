"""A reply that a connection owes its client, ready or not."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.engines.contract import Tier

if TYPE_CHECKING:
    from gateway.engines.python.connection import PythonConnection
    from gateway.engines.python.entries import Entry
    from gateway.engines.python.flights import Flight
    from gateway.http.answers import Answer
    from gateway.http.head import Persistence
    from redirect_core import Visitor


@dataclass(slots=True, eq=False)
class Click:
    """What is recorded if the reply turns out to be a redirect."""

    domain: bytes
    code: bytes
    flags: int
    visitor: "Visitor"


@dataclass(slots=True, eq=False)
class Owed:
    """One place in a connection's ordered queue of replies.

    Attributes:
        route: which of gateway.counters.ROUTES it counts for.
        persistence: what it says about the connection.
        is_head: it answers a HEAD.
        arrived_at: when its request was read (seconds, monotonic).
        outcome: what to answer; None: its flight is under way.
        tier: where the outcome came from.
        click, query: of a request for a code.
        network: the client's, when a token of its budget was taken.
        flight, connection: what it waits for, and who waits.
    """

    route: str
    persistence: "Persistence"
    is_head: bool
    arrived_at: float
    outcome: "Entry | Answer | None" = None
    tier: Tier = Tier.CACHE
    click: Click | None = None
    query: bytes = b""
    network: bytes = b""
    flight: "Flight | None" = None
    connection: "PythonConnection | None" = None
