"""Whose turn it is: the partitions of a worker insert one after another, and what waits grows meanwhile."""

import asyncio
from typing import Final

# One that is being inserted, and one that is read meanwhile.
LARGE_BLOCKS: Final = 2


class Turns:
    """What all partitions of a worker share.

    Much of what an insertion costs ClickHouse is the same for ten rows and ten thousand: side by side, partitions would
    have it do that often for small blocks. Waiting bounds memory too: most of them wait with little.

    Attributes:
        large: held from when a block grows beyond what is gathered in calm, until it is stored.
        inserting: held while ClickHouse is asked to insert a block, and not between two attempts: a block that it does
            not take stops no other partition.
    """

    def __init__(self) -> None:
        self.large = asyncio.Semaphore(LARGE_BLOCKS)
        self.inserting = asyncio.Lock()
