"""How far a long command is: a bar on a terminal, else a line now and then; always on stderr."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import click

SPEAK_EVERY_SECONDS: Final = 2.0


@contextmanager
def progress(label: str, total: int, unit: str) -> Iterator[Callable[[int], None]]:
    """Show progress towards `total` of `unit`; the yielded function takes how many are done so far."""
    started = time.monotonic()

    def rate(done: int) -> float:
        return done / max(time.monotonic() - started, 1e-9)

    if not sys.stderr.isatty():
        yield _spoken(label, total, unit, rate)
        return
    with click.progressbar(
        length=total,
        label=label,
        file=sys.stderr,
        show_pos=True,
        item_show_func=lambda done: None if done is None else f"{rate(done):,.0f} {unit}/s",
    ) as bar:
        yield lambda done: bar.update(done - bar.pos, done)


def _spoken(label: str, total: int, unit: str, rate: Callable[[int], float]) -> Callable[[int], None]:
    spoken = time.monotonic()

    def update(done: int) -> None:
        nonlocal spoken
        if time.monotonic() - spoken < SPEAK_EVERY_SECONDS:
            return
        spoken = time.monotonic()
        per_second = rate(done)
        left = f", {(total - done) / per_second:.0f} s left" if per_second else ""
        click.echo(f"{label}: {done:,} of {total:,} {unit}, {per_second:,.0f}/s{left}", err=True)

    return update
