"""When to stop asking a source that does not answer, and when to try it again."""

from typing import Final

from shortlink.clock import Clock

FAILURES: Final = 3  # in a row
REST_SECONDS: Final = 1.0


class Breaker:
    """Opens after some failures in a row; then one question a second gets through, until one is answered."""

    def __init__(self, clock: Clock, *, failures: int = FAILURES, rest_seconds: float = REST_SECONDS) -> None:
        self._clock = clock
        self._failures = failures
        self._rest_seconds = rest_seconds
        self._failed = 0
        self._next_try_at = 0.0

    @property
    def is_open(self) -> bool:
        return self._failed >= self._failures

    def allows(self) -> bool:
        """Whether to ask now. While open, yes is said once in `rest_seconds`, whatever becomes of that question."""
        if not self.is_open:
            return True
        now = self._clock.monotonic()
        if now < self._next_try_at:
            return False
        self._next_try_at = now + self._rest_seconds
        return True

    def note(self, *, answered: bool) -> None:
        """How a question ended."""
        self._failed = 0 if answered else self._failed + 1
        if not answered and self._failed == self._failures:
            self._next_try_at = self._clock.monotonic() + self._rest_seconds
