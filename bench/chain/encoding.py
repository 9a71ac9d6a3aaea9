"""How fast one core reads clicks out of the spool and writes them down as Kafka takes them."""

import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

from bench.chain import spooling
from bench.void import Void
from redirect_core import EventBatch, SpoolReader
from shortlink.clock import SystemClock

CLICKS: Final = 500_000
AT_ONCE: Final = 20_000  # as the shipper reads
PARTITIONS: Final = 6
_AGENT: Final = (
    b'"class":"human","reason":"browser","browser":"Chrome","os":"Windows","device":"desktop","user_agent":"Mozilla/5.0'
    b' (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"'
)
_NETWORK: Final = b'"network":"203.0.113.0/24","country":"DE","city":"Berlin"'
_REFERRER: Final = b'"referrer":"https://site-1.example/articles/1","referrer_host":"site-1.example"'
_LANGUAGE: Final = b'"language":"de-DE"'
_LINK: Final = b'"utm_source":"newsletter","utm_medium":"email","utm_campaign":"autumn","utm_term":"","utm_content":""'


def events_a_second(folder: Path) -> float:
    """CPU time counts, not the clock's, of this thread alone. Void: clicks were missing."""
    spooling.fill(folder, CLICKS, SystemClock().now_ms())
    read, watermarks, begun = 0, dict[bytes, int](), time.thread_time()
    with closing(SpoolReader(str(folder))) as reader:
        while batches := reader.read_events(watermarks, AT_ONCE):
            for batch in batches:
                read += sum(map(len, _encoded(batch)))
                watermarks[batch.epoch] = batch.last_seq
    seconds = time.thread_time() - begun
    if read != CLICKS:
        raise Void(f"{CLICKS} clicks were spooled, and {read} read")
    return read / seconds


def _encoded(batch: EventBatch) -> Sequence[Sequence[tuple[bytes, bytes, int]]]:
    return batch.encode(
        "edge-1",
        [_AGENT] * len(batch.agents),
        [_NETWORK] * len(batch.networks),
        [_REFERRER] * len(batch.referrers),
        [_LANGUAGE] * len(batch.languages),
        [_LINK] * len(batch.links),
        partitions=PARTITIONS,
    )
