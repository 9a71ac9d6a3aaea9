"""A link's version: a hybrid clock, so that it grows even where the machine's clock goes back."""


def next_version(previous: int | None, now_ms: int) -> int:
    """The version after `previous` (None: the link is new): max(previous + 1, ms << 16)."""
    return max(now_ms << 16, 0 if previous is None else previous + 1)
