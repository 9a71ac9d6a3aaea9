"""kill -9 of workers and of the shipper at any moment: every answered click is counted, once."""

import random
from collections.abc import Callable
from typing import Final

from shortlink.datadir import DataFolder
from tests.integration.clicks.figures import Figures
from tests.integration.clicks.processes import Clicker, ShipperProcess, wait_until

KILLS: Final = 15
WORKERS: Final = 3
CODES: Final = [f"code{n:03}" for n in range(50)]


class Ledger:
    """What workers say of their clicks, and what is counted. In flight: begun, and not come back from."""

    def __init__(self, figures: Figures) -> None:
        self._figures = figures
        self.clickers: list[Clicker] = []

    def answered(self) -> int:
        return sum(clicker.answered for clicker in self.clickers)

    def begun(self) -> int:
        return sum(clicker.begun for clicker in self.clickers)

    def check(self, killed: Clicker) -> None:
        """Answered ≤ counted (soon) ≤ answered + in flight, of which each killed worker had at most one."""
        assert killed.answered <= killed.begun <= killed.answered + 1
        assert self._figures.total() <= self.begun()
        answered = self.answered()
        wait_until(lambda: self._figures.total() >= answered, what="the count of all answered clicks")


def test_killed_workers_and_shippers_lose_and_double_nothing(
    folder: DataFolder,
    figures: Figures,
    start_shipper: Callable[..., ShipperProcess],
    start_clicker: Callable[[int], Clicker],
) -> None:
    rng = random.Random(302)
    ledger = Ledger(figures)
    shipper = start_shipper()
    running = [start_clicker(worker) for worker in range(WORKERS)]
    ledger.clickers += running
    for kill in range(KILLS):
        worker = rng.randrange(WORKERS)
        running[worker].wait_for(running[worker].answered + rng.randrange(1, 4_000))
        if kill % 3 == 2:  # somewhere in reading, counting or freeing
            shipper.kill()
            shipper = start_shipper()
        killed = running[worker]
        killed.kill()
        running[worker] = start_clicker(worker)
        ledger.clickers.append(running[worker])
        ledger.check(killed)
    for clicker in running:
        clicker.kill()
        ledger.check(clicker)

    assert shipper.stop() == (0, "")
    service = figures.service()
    assert ledger.answered() <= service.total <= ledger.begun()
    assert service.dropped == {}
    assert sum(figures.totals(CODES).values()) == service.total
    assert sum(service.by_class.values()) == service.total
    assert list(folder.spool.glob("*.seg")) == []
