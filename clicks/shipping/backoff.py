"""How long to wait after trouble."""

from typing import Final

FIRST_SECONDS: Final = 0.1
MAX_SECONDS: Final = 5.0


class Backoff:
    """Waits that double from one trouble to the next, until all is well again."""

    def __init__(self) -> None:
        self._seconds = FIRST_SECONDS
        self.in_trouble = False

    def trouble(self) -> float:
        """Seconds to wait before the next attempt."""
        self.in_trouble = True
        seconds = self._seconds
        self._seconds = min(2 * seconds, MAX_SECONDS)
        return seconds

    def well(self) -> bool:
        """Begin anew. True: there was trouble before."""
        was_in_trouble, self.in_trouble = self.in_trouble, False
        self._seconds = FIRST_SECONDS
        return was_in_trouble
