"""Edits that arrive through the control plane while a load runs."""

import itertools
import threading
import time
from collections.abc import Iterator, MutableMapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection
from typing import Final

from bench import links
from bench.node import Node
from bench.void import Void
from devstack.processes import LOOPBACK

A_SECOND: Final = 100
_NEVER_BEFORE: Final = itertools.count(500_000_000)  # numbers of targets: far from those that links begin with


@contextmanager
def editing(node: Node, codes: Sequence[str], targets: MutableMapping[str, str]) -> Iterator[Sequence[str]]:
    """Give 100 links a second new targets until the block is left; yields the codes edited so far.

    Args:
        node: whose control plane is asked.
        codes: of the links to edit, in this order, over and over.
        targets: where codes must lead; an edit is noted here as soon as it is answered.

    Raises:
        Void: the control plane refused an edit.
    """
    stopping, edited = threading.Event(), list[str]()
    with ThreadPoolExecutor(max_workers=1) as pool:
        editor = pool.submit(_edit, node, itertools.cycle(codes), targets, edited, stopping)
        try:
            yield edited
        finally:
            stopping.set()
        editor.result()


def _edit(
    node: Node, codes: Iterator[str], targets: MutableMapping[str, str], edited: list[str], stopping: threading.Event
) -> None:
    connection = HTTPConnection(LOOPBACK, node.api_port, timeout=30)
    due = time.monotonic()
    try:
        while not stopping.wait(max(0.0, due - time.monotonic())):
            due += 1 / A_SECOND
            code, target = next(codes), links.target_of(next(_NEVER_BEFORE))
            status, answer = node.ask_on(connection, "PATCH", f"/api/links/{code}", {"url": target})
            if status != 200 or answer["target"] != target:
                raise Void(f"PATCH of /{code} was answered {status}: {answer}")
            targets[code] = target
            edited.append(code)
    finally:
        connection.close()
