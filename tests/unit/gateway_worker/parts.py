"""A clock moved by hand, and an engine that only takes notes."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from gateway.engines.contract import Connection, Tier, Unavailable
from shortlink.links import Change, Link, LinkKey
from shortlink.orphans import Visits

Answers = Mapping[LinkKey, Link | Unavailable | None]


class HandClock:
    """Time that stands still until it is moved."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def now_ms(self) -> int:
        return 1_800_000_000_000 + int(self.seconds * 1000)

    def monotonic(self) -> float:
        return self.seconds

    def advance(self, seconds: float) -> None:
        self.seconds += seconds


@dataclass
class NotingEngine:
    """The side of an engine that misses and changes meet; what it was told stands in `told`, in order."""

    misses: list[LinkKey] = field(default_factory=list)
    again: list[LinkKey] = field(default_factory=list)  # misses that the next put() leaves behind
    orphans: list[Visits] = field(default_factory=list)
    told: list[object] = field(default_factory=list)
    puts: list[tuple[Answers, float, Tier]] = field(default_factory=list)
    woken: int = 0

    def connection(self, peer: str | None, wake: Callable[[], None]) -> Connection:
        raise NotImplementedError

    def take_misses(self) -> Sequence[LinkKey]:
        taken, self.misses = self.misses, []
        return taken

    def take_orphans(self) -> Sequence[Visits]:
        taken, self.orphans = self.orphans, []
        return taken

    def put(self, answers: Answers, *, asked_at: float, tier: Tier) -> Iterable[Callable[[], None]]:
        self.puts.append((answers, asked_at, tier))
        self.misses, self.again = self.misses + self.again, []
        return [self._wake]

    def _wake(self) -> None:
        self.woken += 1

    def announce(self, changes: Sequence[Change]) -> None:
        self.told.append(list(changes))

    def forget_all(self) -> None:
        self.told.append("forget all")

    def set_salts(self, salts: Mapping[int, bytes]) -> None:
        self.told.append(dict(salts))

    def tick(self) -> None: ...

    def drain(self) -> None: ...

    def close(self) -> None: ...
