"""Run the benchmark: JSON on standard output, progress and tables on standard error, the JSON kept in results/."""

import os
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from bench import creates, machine, redirects, report, visibility
from bench.void import Void
from devstack.services import missing

RESULTS: Final = Path(__file__).parent / "results"
PARTS: Final = ("redirects", "creates", "visibility")


class Parameters(msgspec.Struct, frozen=True):
    """What may be chosen, each by a variable `BENCH_<NAME>`.

    Attributes:
        name: of the result's file; results that are called "local" stay out of version control.
        rounds, seconds: how often each server is measured under each load, and how long.
        only: which parts run.
    """

    name: str = "local"
    rounds: int = 5
    seconds: int = 3
    only: tuple[str, ...] = PARTS


def parameters() -> Parameters:
    """From the environment; a value that can't be used ends the program with one line."""
    given: dict[str, object] = {
        name: os.environ[variable]
        for name in Parameters.__struct_fields__
        if os.environ.get(variable := f"BENCH_{name.upper()}")
    }
    if "only" in given:
        given["only"] = str(given["only"]).split(",")
    try:
        chosen = msgspec.convert(given, Parameters, strict=False)
    except msgspec.ValidationError as exc:
        sys.exit(f"BENCH_…: {exc}")
    if not set(chosen.only) <= set(PARTS) or min(chosen.rounds, chosen.seconds) < 1:
        sys.exit(f"BENCH_ONLY takes {', '.join(PARTS)}; BENCH_ROUNDS and BENCH_SECONDS are at least 1")
    return chosen


def main() -> None:
    """A run that is void leaves no result, says why, and exits 1."""
    try:
        measure(parameters())
    except Void as exc:
        sys.exit(f"this run is void: {exc}")


def measure(chosen: Parameters) -> None:
    """Measure, keep, print."""
    if tools := missing():
        sys.exit(f"the benchmark needs {', '.join(tool.command for tool in tools)}: run `make services` as root")
    started = datetime.now(UTC)
    with tempfile.TemporaryDirectory(prefix="edge302-bench-") as name:
        folder = Path(name)
        rounds, seconds = chosen.rounds, chosen.seconds
        result = {
            "schema": 1,
            "date": started.isoformat(timespec="seconds"),
            "command": "make bench",
            "parameters": chosen,
            "machine": machine.describe(folder),
            "redirects": redirects.measure(folder, rounds, seconds) if "redirects" in chosen.only else None,
            "creates": creates.measure(folder, rounds, seconds) if "creates" in chosen.only else None,
            "visibility": visibility.measure(folder) if "visibility" in chosen.only else None,
        }
    text = msgspec.json.format(msgspec.json.encode(result)) + b"\n"
    (RESULTS / f"{started:%Y-%m-%d}-{chosen.name}.json").write_bytes(text)
    print(report.markdown(msgspec.json.decode(text)), file=sys.stderr)
    sys.stdout.buffer.write(text)


if __name__ == "__main__":
    main()
