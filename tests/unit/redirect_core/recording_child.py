"""A process that records clicks until it is killed: after each one it says how many there are."""

import os
import sys

from redirect_core import SpoolWriter, Visitor


def main(folder: str) -> None:
    writer = SpoolWriter(folder, 0, segment_bytes=64 * 1024)
    visitor = Visitor(bytes([203, 0, 113, 77]), b"https://example.com/", b"Mozilla/5.0 Firefox", b"de")
    recorded = 0
    while True:
        recorded += writer.record(1_700_049_600_000, b"", b"abcdefg", 0, 0, visitor)
        os.write(1, recorded.to_bytes(8, "little"))


main(sys.argv[1])
