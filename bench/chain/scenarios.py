"""What is broken on a click's way, and how its figures are compared afterwards."""

import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from bench.chain.twice import publish_again
from bench.chain.visitors import Answered, Visitors
from bench.chain.world import Chain
from bench.void import Void

SETTLED_SECONDS: Final = 180.0
REBALANCE_SECONDS: Final = 4.0
BETWEEN_KILLS_SECONDS: Final = (0.2, 1.5)


@dataclass(frozen=True, slots=True)
class Measure:
    """How hard: so many kills of each kind, so many seconds of each outage."""

    kills: int
    seconds: float


def _kills(module: str) -> Callable[[Chain, Measure], None]:
    def kill(chain: Chain, measure: Measure) -> None:
        moments = random.Random(module)
        for _ in range(measure.kills):
            time.sleep(moments.uniform(*BETWEEN_KILLS_SECONDS))
            chain.kill(module)

    return kill


def _kafka_stopped(chain: Chain, measure: Measure) -> None:
    chain.broker.stop()
    time.sleep(measure.seconds)
    chain.broker.start()


def _kafka_frozen(chain: Chain, measure: Measure) -> None:
    chain.broker.pause()
    time.sleep(measure.seconds)
    chain.broker.resume()


def _kafka_killed(chain: Chain, _: Measure) -> None:
    chain.broker.kill()
    chain.broker.start()


def _clickhouse_killed(chain: Chain, measure: Measure) -> None:
    chain.engine.kill()
    time.sleep(measure.seconds)
    chain.engine.start()


def _clickhouse_frozen(chain: Chain, measure: Measure) -> None:
    chain.engine.pause()
    time.sleep(measure.seconds)
    chain.engine.resume()


def _rebalanced(chain: Chain, measure: Measure) -> None:
    """A second ingest worker comes and goes."""
    for turn in range(max(2, measure.kills // 5)):
        with chain.further_ingest(f"ingest-{turn}"):
            time.sleep(REBALANCE_SECONDS)


def _delivered_twice(chain: Chain, _: Measure) -> None:
    if not publish_again(chain.broker.address):
        raise Void("there were no clicks in Kafka that could have been published again")


def _calm(_: Chain, measure: Measure) -> None:
    time.sleep(min(measure.seconds, 5))


SCENARIOS: Final[dict[str, Callable[[Chain, Measure], None]]] = {
    "calm": _calm,
    "gateway killed": _kills("gateway"),
    "shipper killed": _kills("clicks"),
    "ingest killed": _kills("clicks.ingest"),
    "Kafka stopped": _kafka_stopped,
    "Kafka frozen": _kafka_frozen,
    "Kafka killed": _kafka_killed,
    "ClickHouse killed": _clickhouse_killed,
    "ClickHouse frozen": _clickhouse_frozen,
    "group rebalanced": _rebalanced,
    "delivered twice": _delivered_twice,
}


def play(chain: Chain, name: str, answered: Answered, *, measure: Measure, rate: int) -> dict[str, Any]:
    """Break under load, wait until all figures stand still: the figures, and `faults`: where they don't agree."""
    with Visitors(chain, answered, rate):
        time.sleep(0.5)
        SCENARIOS[name](chain, measure)
        time.sleep(0.5)
    mended = time.monotonic()
    figures = _settled(chain)
    result = {
        "scenario": name,
        "answered": answered.redirects.total(),
        "lost": answered.lost,
        **figures,
        "settled_ms": round((time.monotonic() - mended) * 1e3),
        "faults": faults(answered, figures, chain.link_totals()),
    }
    print(f"{name:20} {result}", file=sys.stderr, flush=True)
    return result


def faults(answered: Answered, figures: dict[str, int], by_link: dict[str, int]) -> list[str]:
    """What does not add up, each in words."""
    found = [f"{replies} requests were answered {status}" for status, replies in sorted(answered.wrong.items())]
    sure, counted = answered.redirects.total(), figures["counted"]
    if not sure <= counted <= sure + answered.lost:
        found.append(f"{sure} clicks were answered and {answered.lost} were in flight, but {counted} are counted")
    found += [f"{name}: {clicks}, but {counted} are counted" for name, clicks in figures.items() if clicks != counted]
    missing = {code: clicks for code, clicks in answered.redirects.items() if by_link.get(code, 0) < clicks}
    if missing:
        found.append(f"links with fewer events than answers: {missing}")
    return found


def _settled(chain: Chain) -> dict[str, int]:
    """All figures, when they agree or when they no longer change. Void: they can't be asked."""
    deadline = time.monotonic() + SETTLED_SECONDS
    while True:
        figures = _figures(chain)
        if (len(set(figures.values())) == 1 and figures == _figures(chain)) or time.monotonic() > deadline:
            return figures
        time.sleep(0.25)


def _figures(chain: Chain) -> dict[str, int]:
    deadline = time.monotonic() + SETTLED_SECONDS
    while True:
        try:
            return {"spooled": chain.spooled(), "counted": chain.counted(), **chain.in_clickhouse()}
        except (OSError, ValueError) as exc:
            if time.monotonic() > deadline:
                raise Void(f"the figures can't be asked: {exc}") from exc
            time.sleep(0.25)
