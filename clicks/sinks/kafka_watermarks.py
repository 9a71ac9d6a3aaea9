"""How far each node has published, as the compacted topic beside that of clicks tells it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec

from clicks.counts import WATERMARK_KEPT_MS

# Small segments are compacted soon, so that who begins has little to read: three records a second and worker are
# written, and one a worker is worth keeping.
TOPIC_CONFIG: Final = {
    "cleanup.policy": "compact",
    "segment.bytes": str(4 << 20),
    "segment.ms": "3600000",
    "min.cleanable.dirty.ratio": "0.1",
}


class Watermark(msgspec.Struct, frozen=True):
    """The value of a record whose key is `node/epoch`: the last seq published, and when that was written (ms)."""

    seq: int
    at: int


class Publisher(msgspec.Struct, frozen=True):
    """The value of the record whose key is `node`: which process publishes for it, as 32 hexadecimal digits."""

    instance: str


@dataclass(slots=True)
class NodeRecords:
    """What the topic says of one node.

    Attributes:
        node: what it is called.
        publisher: the process that began last to publish for it; None: none ever did.
        watermarks: by epoch.
    """

    node: str
    publisher: Publisher | None = None
    watermarks: dict[bytes, Watermark] = field(default_factory=dict)

    def take(self, key: bytes | None, value: bytes | None) -> None:
        """Add a record of the topic, in the topic's order; those of other nodes are passed over."""
        name, _, epoch = (key or b"").decode().partition("/")
        if name != self.node:
            return
        if not epoch:
            self.publisher = msgspec.json.decode(value, type=Publisher) if value else None
        elif value:
            self.watermarks[bytes.fromhex(epoch)] = msgspec.json.decode(value, type=Watermark)
        else:
            self.watermarks.pop(bytes.fromhex(epoch), None)

    def change(self, watermarks: Mapping[bytes, Watermark | None]) -> None:
        """Set those given; None: forget it."""
        self.watermarks = {epoch: held for epoch, held in {**self.watermarks, **watermarks}.items() if held}

    def key(self, epoch: bytes | None = None) -> bytes:
        """Of an epoch's watermark, or of the publisher."""
        return self.node.encode() if epoch is None else f"{self.node}/{epoch.hex()}".encode()

    def touched(self, epochs: Iterable[bytes], now_ms: int) -> dict[bytes, Watermark]:
        """The watermarks of those epochs that are known, as of now."""
        return {epoch: Watermark(held.seq, now_ms) for epoch in epochs if (held := self.watermarks.get(epoch))}

    def forgettable(self, now_ms: int) -> list[bytes]:
        """Epochs whose watermark was not written for a day."""
        return [epoch for epoch, held in self.watermarks.items() if held.at <= now_ms - WATERMARK_KEPT_MS]
