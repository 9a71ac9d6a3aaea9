"""Run the benchmark: JSON on standard output, progress and tables on standard error, both kept in results/."""

import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from bench import (
    base_url,
    creates,
    kafka_beside,
    latency,
    machine,
    misses,
    plots,
    questions,
    redirects,
    report,
    resources,
    visibility,
    writes,
)
from bench.chain import speed
from bench.shortener import Shortener
from bench.void import Void
from devstack.services import missing

SCHEMA: Final = 2
RESULTS: Final = Path(__file__).parent / "results"
# nginx's modules are not among them: what needs them is left out where there are none.
NEEDED: Final = frozenset({"java", "nginx", "postgres", "redis-server", "strace", "taskset", "wrk"})
NEEDED_BY_URL: Final = frozenset({"wrk"})
Measure = Callable[[Path, int, int], object]
PARTS: Final[Mapping[str, Measure]] = {
    "redirects": redirects.measure,
    "latency": latency.measure,
    "resources": resources.measure,
    "creates": creates.measure,
    "visibility": lambda folder, rounds, seconds: visibility.measure(folder),
    "misses": misses.measure,
    "writes": writes.measure,
    "clicks": speed.measure,
    "questions": questions.measure,
    "kafka": kafka_beside.measure,
}

Chosen = TypeVar("Chosen", bound=msgspec.Struct)


class Parameters(msgspec.Struct, frozen=True):
    """What may be chosen, each by a variable `BENCH_<NAME>`.

    Attributes:
        name: of the result's file; results that are called "local" stay out of version control.
        rounds, seconds: how often each server is measured under each load, and how long.
        only: which parts run.
        loads: names of the loads of redirects and of writes that run, separated by `;`; none: all.
        links: how many are made on a server that is measured by its URL.
    """

    name: str = "local"
    rounds: int = 5
    seconds: int = 3
    only: tuple[str, ...] = tuple(PARTS)
    loads: tuple[str, ...] = ()
    links: int = 10_000

    def __post_init__(self) -> None:
        if not set(self.only) <= PARTS.keys():
            raise ValueError(f"BENCH_ONLY takes {', '.join(PARTS)}")
        if min(self.rounds, self.seconds, self.links) < 1:
            raise ValueError("BENCH_ROUNDS, BENCH_SECONDS and BENCH_LINKS are at least 1")


def main() -> None:
    """A run that is void leaves no result, says why, and exits 1."""
    chosen = from_environment(Parameters, os.environ)
    server = from_environment(Shortener, os.environ) if os.environ.get("BENCH_BASE_URL") else None
    if needed := {tool.command for tool in missing()} & (NEEDED_BY_URL if server else NEEDED):
        sys.exit(f"the benchmark needs {', '.join(sorted(needed))}: run `make services` as root")
    try:
        keep(*measure(chosen, server), chosen.name)
    except Void as exc:
        sys.exit(f"this run is void: {exc}")


def from_environment(kind: type[Chosen], environment: Mapping[str, str]) -> Chosen:
    """Its fields from variables `BENCH_<FIELD>`; a value that can't be used ends the program with one line."""
    given: dict[str, Any] = {
        name: value for name in kind.__struct_fields__ if (value := environment.get(f"BENCH_{name.upper()}"))
    }
    if "only" in given:
        given["only"] = given["only"].split(",")
    if "loads" in given:
        given["loads"] = given["loads"].split(";")
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as exc:
        sys.exit(f"BENCH_…: {exc}")


def measure(chosen: Parameters, server: Shortener | None) -> tuple[datetime, dict[str, object]]:
    """Measure the chosen parts, or a server that runs already; when it began, and the result."""
    started = datetime.now(UTC)
    with tempfile.TemporaryDirectory(prefix="edge302-bench-") as name:
        folder = Path(name)
        result = {
            "schema": SCHEMA,
            "date": started.isoformat(timespec="seconds"),
            "command": "make bench",
            "parameters": chosen,
            "machine": machine.describe(folder),
        }
        with_loads: dict[str, Measure] = {
            "redirects": partial(redirects.measure, chosen=chosen.loads),
            "writes": partial(writes.measure, chosen=chosen.loads),
        }
        parts: dict[str, Measure] = {**PARTS, **with_loads}
        for part, measure_part in parts.items():
            is_wanted = server is None and part in chosen.only
            result[part] = measure_part(folder, chosen.rounds, chosen.seconds) if is_wanted else None
        result["base_url"] = server and base_url.measure(folder, chosen.rounds, chosen.seconds, server, chosen.links)
    return started, result


def keep(started: datetime, result: Mapping[str, object], name: str) -> None:
    """Leave the result with its tables and plots in results/, and print it."""
    text = msgspec.json.format(msgspec.json.encode(result)) + b"\n"
    plain, path = msgspec.json.decode(text), RESULTS / f"{started:%Y-%m-%d}-{name}.json"
    tables = report.markdown(plain)
    path.write_bytes(text)
    path.with_suffix(".md").write_text(tables)
    for plot, drawing in plots.drawings(plain).items():
        path.with_name(f"{path.stem}-{plot}.svg").write_text(drawing)
    print(tables, file=sys.stderr)
    sys.stdout.buffer.write(text)


if __name__ == "__main__":
    main()
