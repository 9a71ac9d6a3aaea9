"""Where a block begins and ends: committed before it is inserted, so that it is repeated whole or not at all."""

import secrets
from typing import Final, NamedTuple

import msgspec

NAME_BYTES: Final = 8


class Boundary(NamedTuple):
    """One block of one partition.

    Attributes:
        start: offset of its first record, as committed.
        end: offset after its last record.
        block: its name. Drawn at random, since offsets begin at 0 again in a topic that was made anew.
    """

    start: int
    end: int
    block: str

    @property
    def metadata(self) -> str:
        """What is committed with `start`, for whoever has to repeat the block."""
        return msgspec.json.encode(_Pending(end=self.end, block=self.block)).decode()

    def token(self, topic: str, partition: int) -> str:
        """What ClickHouse knows a repeated block by (`insert_deduplication_token`)."""
        return f"{topic}-{partition}-{self.start}-{self.end}-{self.block}"


def drawn(start: int, end: int) -> Boundary:
    """The boundary of a block that nobody has seen yet."""
    return Boundary(start, end, secrets.token_hex(NAME_BYTES))


def pending(offset: int, metadata: str) -> Boundary | None:
    """The block that was under way when `offset` and `metadata` were committed; None: none was.

    Metadata of other tools (such as those that reset a group's offsets) are no boundary.
    """
    try:
        found = msgspec.json.decode(metadata, type=_Pending)
    except msgspec.MsgspecError:
        return None
    return Boundary(offset, found.end, found.block) if found.end > offset else None


class _Pending(msgspec.Struct, frozen=True):
    end: int
    block: str
