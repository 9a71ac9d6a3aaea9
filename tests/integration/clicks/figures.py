"""The figures of a data folder, as the control plane sees them while a shipper counts."""

import asyncio
from collections.abc import Sequence

from clicks.stats import ServiceStats, open_stats
from shortlink.clock import SystemClock
from shortlink.datadir import DataFolder
from shortlink.links import LinkKey
from shortlink.settings import Settings


class Figures:
    """Stats of a data folder, asked in plain calls."""

    def __init__(self, folder: DataFolder) -> None:
        self._runner = asyncio.Runner()
        self._stats = self._runner.run(open_stats(Settings(), folder, SystemClock()))

    def service(self) -> ServiceStats:
        return self._runner.run(self._stats.of_service())

    def total(self) -> int:
        return self.service().total

    def totals(self, codes: Sequence[str]) -> dict[str, int]:
        found = self._runner.run(self._stats.totals([LinkKey("", code) for code in codes]))
        return {key.code: clicks for key, clicks in found.items()}

    def close(self) -> None:
        self._runner.run(self._stats.close())
        self._runner.close()
