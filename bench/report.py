"""A result as tables for people: all of it, or the few figures that the README shows."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from bench.figures import Figure

SATURATED: Final = 0.98
NGINX: Final = "nginx return 302"
# The loads that the README shows: the plainest, the most usual, and the one that batching makes the most of.
HEADLINE: Final = ("plain, Zipf keys", "browser heads, Zipf keys", "16 deep, 100k links")
_ROLES: Final = {"gateway": "edge", "clicks": "counting"}

Json = Mapping[str, Any]


def markdown(result: Json) -> str:
    """All tables of a result as `bench` keeps it; parts that were left out are left out here too."""
    parts = [_origin(result)]
    for name, render in _PARTS.items():
        if part := result.get(name):
            parts += render(part)
    return "\n\n".join(parts) + "\n"


def headline(result: Json) -> str:
    """The README's part: redirects under three loads, and a line for each other part."""
    parts = [_origin(result)]
    if redirects := result.get("redirects"):
        rows = [row for row in redirects["rows"] if row["workload"] in HEADLINE]
        parts += [_redirect_table(rows), _checked(redirects)]
    lines = [f"- {line(part)}" for name, line in _LINES.items() if (part := result.get(name))]
    return "\n\n".join([*parts, *(["\n".join(lines)] if lines else [])]) + "\n"


def _origin(result: Json) -> str:
    machine, parameters = result["machine"], result["parameters"]
    return (
        f"{result['date'][:10]}, edge302 {machine['edge302']} ({machine['commit']}), {machine['cores']} cores of "
        f"{machine['cpu']}, Linux {machine['kernel']}, Python {machine['python']}, nginx {machine['nginx']}; "
        f"medians of {parameters['rounds']} interleaved rounds of {parameters['seconds']} s, quartiles in brackets."
    )


def _redirects(redirects: Json) -> Iterator[str]:
    yield _redirect_table(redirects["rows"])
    yield _checked(redirects)
    for server in dict.fromkeys(row["server"] for row in redirects["rows"] if row["server"].startswith("edge302")):
        yield f"CPU a request of {server} as a multiple of the others':"
        yield _ratio_table([row for row in redirects["rows"] if row["server"] == server])


def _redirect_table(rows: Iterable[Json]) -> str:
    return _table(
        ("requests", "server", "rate /s", "server CPU, µs a request", "× nginx"),
        ((row["workload"], row["server"], _shown(row["rate"], 0), _cpu(row), _to_nginx(row)) for row in rows),
    )


def _cpu(row: Json) -> str:
    by_role = row["cpu_us_by_role"]
    shares = [f"{name} {by_role[role]['median']:.2f}" for role, name in _ROLES.items() if role in by_role]
    return "; ".join([_shown(row["cpu_us"]), *([", ".join(shares)] if shares else [])])


def _to_nginx(row: Json) -> str:
    if row["server"] == NGINX:
        return "1"
    # Results of schema 1 have it in a member of its own.
    return _shown(row["to_nginx"] if "to_nginx" in row else row["ratios"].get(NGINX))


def _ratio_table(rows: Sequence[Json]) -> str:
    others = list(dict.fromkeys(name for row in rows for name in row["ratios"]))
    return _table(
        ("requests", *others),
        ((row["workload"], *(_shown(row["ratios"].get(name)) for name in others)) for row in rows),
    )


def _checked(redirects: Json) -> str:
    rounds = redirects["rounds"]
    full = sum(one["server_busy"] >= SATURATED for one in rounds)
    return (
        f"All replies to a plain GET are {redirects['reply_bytes']} bytes long; {redirects['replies_checked']:,} were "
        f"compared one by one, the others by status and size. Of edge302 the load saw {redirects['answered']:,} "
        f"redirects, its statistics {redirects['counted']:,} clicks (the rest was in flight when a load ended). In "
        f"{full} of {len(rounds)} measurements the server used up its core: only there does a rate say what it can do; "
        "CPU per request holds everywhere."
    )


def _latency(latency: Json) -> Iterator[str]:
    yield (
        f"Open loop, at shares of the {_shown(latency['saturation'], 0)} redirects a second that nginx does at most, "
        "from when a request was meant to leave (only hits, where there are misses):"
    )
    yield _table(
        ("load", "server", "offered /s", "reached /s", "p50 µs", "p99 µs", "p99.9 µs"),
        (
            (
                row["load"],
                row["server"],
                f"{row['offered']:,}",
                _shown(row["reached"], 0),
                *(
                    _shown(row[name], 0) if row["carried"] else "not carried"
                    for name in ("p50_us", "p99_us", "p999_us")
                ),
            )
            for row in latency["rows"]
        ),
    )
    yield _table(("p99", "×"), ((name, _shown(ratio)) for name, ratio in latency["ratios"].items()))


def _latency_line(latency: Json) -> str:
    ratios = "; ".join(f"{name} {ratio['median']:.2f} ×" for name, ratio in latency["ratios"].items())
    return f"p99 at a fixed rate (open loop, shares of what nginx reaches at most): {ratios or 'no rate was carried'}."


def _creates_line(creates: Json) -> str:
    return (
        f"`POST /api/shorten`, one API process, 64 connections: **{_shown(creates['rate'], 0)}** links a second, each "
        f"on disk before its 201; p99 {_shown(creates['p99_ms'], 1)} ms, {_shown(creates['cpu_us'], 0)} µs of server "
        "CPU each; no errors."
    )


def _visibility(visibility: Json) -> Iterator[str]:
    yield f"From the API's reply until the last of {visibility['workers']} workers answers by a change:"
    rows = {"all": visibility["every"], **visibility["by_kind"]}
    yield _table(
        ("change", "number", "p50 ms", "p99 ms", "max ms"),
        (
            (kind, f"{row['changes']:,}", *(f"{row[name]:.1f}" for name in ("p50_ms", "p99_ms", "max_ms")))
            for kind, row in rows.items()
        ),
    )


def _visibility_line(visibility: Json) -> str:
    every = visibility["every"]
    return (
        f"From the API's reply until the last of {visibility['workers']} workers answers by a change: p50 "
        f"{every['p50_ms']:.1f} ms, p99 {every['p99_ms']:.1f} ms, at most {every['max_ms']:.1f} ms "
        f"({every['changes']:,} changes)."
    )


def _base_url(measured: Json) -> Iterator[str]:
    yield (
        f"{measured['base_url']} (API: {measured['api_url']}), {measured['links']:,} links, "
        f"{measured['checked']:,} redirects compared with their targets, none wrong; latencies are closed-loop ones:"
    )
    yield _table(
        ("scenario", "right replies /s", "p50 ms", "p99 ms", "errors"),
        (
            (
                row["scenario"],
                _shown(row["rate"], 0),
                _shown(row["p50_ms"]),
                _shown(row["p99_ms"]),
                f"{row['error_share']['median']:.2%}",
            )
            for row in measured["scenarios"]
        ),
    )


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Markdown, with figures to the right: all columns are figures but those of texts, which come first."""
    lines = [heads, ["---", *("---" if head in ("server", "load") else "---:" for head in heads[1:])], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _shown(figure: Json | None, digits: int = 2) -> str:
    return Figure(**figure).shown(digits) if figure else "–"


_PARTS: Final = {
    "redirects": _redirects,
    "latency": _latency,
    "creates": lambda creates: [_creates_line(creates)],
    "visibility": _visibility,
    "base_url": _base_url,
}
_LINES: Final = {
    "latency": _latency_line,
    "creates": _creates_line,
    "visibility": _visibility_line,
}
