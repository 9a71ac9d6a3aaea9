"""What the engine lacks: one flight a key, however many wait for it, and what changed while it was under way."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from gateway.engines.python.entries import Name, key_of
from shortlink.links import Link, LinkKey

if TYPE_CHECKING:
    from gateway.engines.python.owed import Owed


@dataclass(slots=True, eq=False)
class Flight:
    """A key on its way from the stores.

    Attributes:
        waiters: the replies that wait for it, oldest first; empty for a refresh in the background.
        handed_out: the resolver has been told to find it.
        can_wait: nobody waits for it, so it goes with many others once a second.
        heard_version: the newest version announced since then; an older answer is outdated.
    """

    waiters: "dict[Owed, None]" = field(default_factory=dict)
    handed_out: bool = False
    can_wait: bool = False
    heard_version: int = 0

    def is_outdated(self, answer: Link | None) -> bool:
        """True when this answer may have been read before a change that was announced."""
        return (answer.version if answer is not None else 0) < self.heard_version


class Flights:
    """All keys under way."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._flights: dict[Name, Flight] = {}
        self._wanted: list[Name] = []
        self._can_wait: list[Name] = []

    def __len__(self) -> int:
        return len(self._flights)

    def __contains__(self, name: Name) -> bool:
        """True when it is being looked up."""
        return name in self._flights

    @property
    def wanted(self) -> bool:
        """True when `take` has something to give."""
        return bool(self._wanted)

    def join(self, name: Name) -> Flight | None:
        """The flight of `name`, begun if there is none; None: too many are under way."""
        flight = self._flights.get(name)
        if flight is None:
            if len(self._flights) >= self._limit:
                return None
            flight = self._flights[name] = Flight()
            self._wanted.append(name)
        elif flight.can_wait:
            flight.can_wait = False
            self._wanted.append(name)
        return flight

    def refresh(self, name: Name) -> None:
        """Have `name` found anew without haste: asked for together, links cost a tenth of what each costs alone.

        Refreshes leave half the room to those who wait.
        """
        if name not in self._flights and len(self._flights) < self._limit // 2:
            self._flights[name] = Flight(can_wait=True)
            self._can_wait.append(name)

    def release(self) -> None:
        """From now on `take` gives what could wait until now."""
        due, self._can_wait = self._can_wait, []
        for name in due:
            flight = self._flights.get(name)
            if flight is not None and flight.can_wait:
                flight.can_wait = False
                self._wanted.append(name)

    def take(self) -> list[LinkKey]:
        """Hand out what must be found."""
        wanted, self._wanted = self._wanted, []
        for name in wanted:
            flight = self._flights[name]
            flight.handed_out = True
            flight.heard_version = 0
        return [key_of(name) for name in wanted]

    def land(self, name: Name) -> Flight | None:
        """End the flight of `name`; None: nobody was told to find it."""
        flight = self._flights.get(name)
        if flight is None or not flight.handed_out:
            return None
        return self._flights.pop(name)

    def again(self, name: Name, flight: Flight) -> None:
        """Its answer was outdated: it flies once more, and its waiters go on waiting."""
        flight.handed_out = False
        self._flights[name] = flight
        self._wanted.append(name)

    def hear(self, name: Name, version: int) -> None:
        """The link has changed."""
        flight = self._flights.get(name)
        if flight is not None:
            flight.heard_version = max(flight.heard_version, version)

    def hear_of_all(self) -> None:
        """Any link may have changed."""
        for flight in self._flights.values():
            flight.heard_version = _NEWER_THAN_ALL


class LastHeard:
    """When a change was heard of last, by bucket of names: fixed memory, however many links change.

    It is for answers that no flight asked for: a change of another link in the same bucket costs one look-up.
    """

    def __init__(self) -> None:
        self._at = [float("-inf")] * _BUCKETS

    def note(self, name: Name, now: float) -> None:
        self._at[hash(name) % _BUCKETS] = now

    def note_all(self, now: float) -> None:
        self._at = [now] * _BUCKETS

    def is_outdated(self, name: Name, asked_at: float) -> bool:
        """True when a change of `name` may have been heard of at or after `asked_at`."""
        return asked_at <= self._at[hash(name) % _BUCKETS]


_BUCKETS: Final = 4_096
_NEWER_THAN_ALL: Final = 1 << 64
