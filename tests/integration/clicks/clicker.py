"""A process that records clicks until it is killed: `python clicker.py SPOOL WORKER TALLY`.

TALLY is a file of two numbers that outlives it: clicks begun, and clicks that `record` has returned for.
"""

import itertools
import mmap
import sys
import time
from pathlib import Path

from redirect_core import SpoolWriter, Visitor

FIREFOX = b"Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0"
GOOGLEBOT = b"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
CODES = [b"code%03d" % n for n in range(50)]
SEGMENT_BYTES = 256 << 10  # small, so that a run of a fraction of a second moves on to several


def main(spool: str, worker: int, tally: Path) -> None:
    visitors = [Visitor(b"\xc0\x00\x02\x01", b"https://example.com/", agent, b"en") for agent in (FIREFOX, GOOGLEBOT)]
    writer = SpoolWriter(spool, worker, segment_bytes=SEGMENT_BYTES)
    with tally.open("r+b") as file, mmap.mmap(file.fileno(), 16) as page:
        numbers = memoryview(page).cast("Q")
        for n in itertools.count(1):
            numbers[0] = n
            spooled = writer.record(time.time_ns() // 1_000_000, b"", CODES[n % 50], 0, 0, visitors[n % 2])
            assert spooled
            numbers[1] = n
            if n % 20 == 0:
                time.sleep(0.001)  # some 15,000 clicks a second leave the machine to others


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
