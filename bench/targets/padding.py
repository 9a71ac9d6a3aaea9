"""Replies of one length, whoever writes them: the field X-Padding makes up for what a server's own lack."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from bench import check
from bench.targets.serving import Serving


@contextmanager
def padded(start: Callable[[str], AbstractContextManager[Serving]], code: str, reply_bytes: int) -> Iterator[Serving]:
    """Start a server twice: to see how long its replies are, then to stay, with as much padding as they lack.

    Args:
        start: starts it with this value of X-Padding, which is never empty: nginx leaves out empty fields.
        code: asked for to see a reply.
        reply_bytes: how long each redirect must be.
    """
    with start("x") as serving:
        lacking = reply_bytes - check.check(serving.port, [code], serving.target_of)
        assert lacking >= 0, f"a reply of {serving.name} has {-lacking} bytes too many"
    with start("x" + "x" * lacking) as serving:
        yield serving
