"""A spool full of clicks as an edge leaves it, made before anybody ships them."""

import random
from contextlib import closing
from pathlib import Path
from typing import Final

from bench import links
from redirect_core import SpoolWriter, Visitor

LINKS: Final = 100_000
VISITORS: Final = 20_000
LIMIT_BYTES: Final = 32 << 30
_BROWSERS: Final = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{v}.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/{v} Safari/605.1",
    "Mozilla/5.0 (X11; Linux x86_64; rv:{v}.0) Gecko/20100101 Firefox/{v}.0",
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{v}.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_{v} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
    "Mozilla/5.0 (compatible; Googlebot/{v}.1; +http://www.google.com/bot.html)",
)
_LANGUAGES: Final = ("en-GB,en;q=0.9", "de-DE,de;q=0.9,en;q=0.8", "fr-FR,fr;q=0.9", "pt-BR,pt;q=0.9", "")


def fill(spool: Path, clicks: int, now_ms: int, seed: int = 302) -> None:
    """Record so many clicks as one worker would at `now_ms`: Zipf's law over links, visitors of many networks."""
    chance = random.Random(seed)
    visitors = [_visitor(chance, number) for number in range(VISITORS)]
    codes = [links.code_of(number).encode() for number in range(LINKS)]
    with closing(SpoolWriter(str(spool), 0, limit_bytes=LIMIT_BYTES)) as writer:
        for number in links.zipf(LINKS, clicks, seed):
            writer.record(now_ms, b"", codes[number], 0, 0, chance.choice(visitors))


def _visitor(chance: random.Random, number: int) -> Visitor:
    address = chance.getrandbits(32).to_bytes(4, "big")
    referrer = f"https://site-{number % 300}.example/articles/{number}" if number % 3 else ""
    agent = chance.choice(_BROWSERS).format(v=100 + number % 30)
    return Visitor(address, referrer.encode(), agent.encode(), chance.choice(_LANGUAGES).encode())
