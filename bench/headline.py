"""The figures of a result that the README shows: redirects under three loads, and a line for each other thing."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from bench.report import Json, checked, creates_line, idle_line, origin, redirect_table, shown, startup_line

# The plainest load, the most usual, and the one that batching makes the most of.
WORKLOADS: Final = ("plain, Zipf keys", "browser heads, Zipf keys", "16 deep, 100k links")


def has_headline(result: Json) -> bool:
    """False: one of its loads was left out."""
    measured = {row["workload"] for row in (result["redirects"] or {"rows": ()})["rows"]}
    return measured >= set(WORKLOADS)


def headline(result: Json) -> str:
    """Markdown; parts that were left out are left out here too."""
    redirects = result["redirects"]
    rows = [row for row in redirects["rows"] if row["workload"] in WORKLOADS]
    lines = [f"- {line}" for name, tell in _LINES.items() if (part := result.get(name)) for line in tell(part)]
    return "\n\n".join([origin(result), redirect_table(rows), checked(redirects), "\n".join(lines)]).rstrip() + "\n"


def _latency(latency: Json) -> Iterable[str]:
    ratios = "; ".join(f"{name} {shown(ratio)} ×" for name, ratio in latency["ratios"].items())
    yield f"p99 at a fixed rate (open loop, shares of what nginx does at most): {ratios or 'no rate was carried'}."


def _resources(resources: Json) -> Iterable[str]:
    memory = (
        f"{one['engine']} engine {_megabytes(one['first'])}, {_megabytes(one['second'])}" for one in resources["memory"]
    )
    size = resources["memory"][0]["target_bytes"]
    yield f"Memory of a worker, targets of {size} bytes (RssAnon, more than an empty one's): {'; '.join(memory)}."
    yield idle_line(resources)
    calls = (f"{one['calls_a_request']:.3f} ({one['engine']}, {one['workload']})" for one in resources["syscalls"])
    yield f"System calls a request: {', '.join(calls)}."
    yield startup_line(resources)


def _megabytes(held: Json) -> str:
    return f"{held['more_bytes'] / 1e6:,.0f} MB once {held['seen']:,} links were seen"


def _visibility(visibility: Json) -> Iterable[str]:
    every = visibility["every"]
    yield (
        f"From the API's reply until the last of {visibility['workers']} workers answers by a change: p50 "
        f"{every['p50_ms']:.1f} ms, p99 {every['p99_ms']:.1f} ms, at most {every['max_ms']:.1f} ms "
        f"({every['changes']:,} changes)."
    )


_LINES: Final[Mapping[str, Callable[[Json], Iterable[str]]]] = {
    "latency": _latency,
    "resources": _resources,
    "creates": lambda creates: [creates_line(creates)],
    "visibility": _visibility,
}
