"""A result as tables for people."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from bench.figures import Figure

SATURATED: Final = 0.98
NGINX: Final = "nginx return 302"
_ROLES: Final = {"gateway": "edge", "clicks": "counting"}
_TEXTS: Final = frozenset({"requests", "server", "load", "engine", "change", "scenario", "p99", "single clicks"})

Json = Mapping[str, Any]


def markdown(result: Json) -> str:
    """All tables of a result as `bench` keeps it; parts that were left out are left out here too."""
    paragraphs = [origin(result)]
    for name, tell in _PARTS.items():
        if part := result.get(name):
            paragraphs += tell(part)
    return "\n\n".join(paragraphs) + "\n"


def origin(result: Json) -> str:
    """When and where it was measured."""
    machine, parameters = result["machine"], result["parameters"]
    return (
        f"{result['date'][:10]}, edge302 {machine['edge302']} ({machine['commit']}), {machine['cores']} cores of "
        f"{machine['cpu']}, Linux {machine['kernel']}, Python {machine['python']}, nginx {machine['nginx']}; "
        f"medians of {parameters['rounds']} interleaved rounds of {parameters['seconds']} s, quartiles in brackets."
    )


def redirect_table(rows: Iterable[Json]) -> str:
    """What a redirect cost whom."""
    return table(
        ("requests", "server", "rate /s", "server CPU, µs a request", "× nginx"),
        ((row["workload"], row["server"], shown(row["rate"], 0), _cpu(row), _to_nginx(row)) for row in rows),
    )


def checked(redirects: Json) -> str:
    """What was checked, and where a rate says what a server can do."""
    rounds = redirects["rounds"]
    full = sum(one["server_busy"] >= SATURATED for one in rounds)
    return (
        f"All replies to a plain GET are {redirects['reply_bytes']} bytes long; {redirects['replies_checked']:,} were "
        f"compared one by one, the others by status and size. Of edge302 the load saw {redirects['answered']:,} "
        f"redirects, its statistics {redirects['counted']:,} clicks (the rest was in flight when a load ended). In "
        f"{full} of {len(rounds)} measurements the server used up its core: only there does a rate say what it can do; "
        "CPU per request holds everywhere."
    )


def idle_line(resources: Json) -> str:
    """What a connection takes that only waits."""
    idle = (f"{one['bytes_a_connection'] / 1024:.1f} KiB ({one['engine']} engine)" for one in resources["idle"])
    return f"An idle connection, of {resources['idle'][0]['connections']:,}, takes {', '.join(idle)}."


def startup_line(resources: Json) -> str:
    """How long a node takes to start."""
    startup = (f"{shown(one['seconds'])} s ({one['engine']} engine)" for one in resources["startup"])
    return f"From the command to the first redirect: {', '.join(startup)}."


def creates_line(creates: Json) -> str:
    """What the control plane takes."""
    return (
        f"`POST /api/shorten`, one API process, 64 connections: **{shown(creates['rate'], 0)}** links a second, each "
        f"on disk before its 201; p99 {shown(creates['p99_ms'], 1)} ms, {shown(creates['cpu_us'], 0)} µs of server "
        "CPU each; no errors."
    )


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Markdown, with figures to the right."""
    lines = [heads, ["---" if head in _TEXTS else "---:" for head in heads], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def shown(figure: Json | None, digits: int = 2) -> str:
    """A figure as it stands in a result; None: it was not measured."""
    return Figure(**figure).shown(digits) if figure else "–"


def _redirects(redirects: Json) -> Iterator[str]:
    yield redirect_table(redirects["rows"])
    yield checked(redirects)
    for server in dict.fromkeys(row["server"] for row in redirects["rows"] if row["server"].startswith("edge302")):
        yield f"CPU a request of {server} as a multiple of the others':"
        yield _ratio_table([row for row in redirects["rows"] if row["server"] == server])


def _cpu(row: Json) -> str:
    by_role = row["cpu_us_by_role"]
    shares = [f"{name} {by_role[role]['median']:.2f}" for role, name in _ROLES.items() if role in by_role]
    return "; ".join([shown(row["cpu_us"]), *([", ".join(shares)] if shares else [])])


def _to_nginx(row: Json) -> str:
    if row["server"] == NGINX:
        return "1"
    # Results of schema 1 have it in a member of its own.
    return shown(row["to_nginx"] if "to_nginx" in row else row["ratios"].get(NGINX))


def _ratio_table(rows: Sequence[Json]) -> str:
    others = list(dict.fromkeys(name for row in rows for name in row["ratios"]))
    return table(
        ("requests", *others),
        ((row["workload"], *(shown(row["ratios"].get(name)) for name in others)) for row in rows),
    )


def _latency(latency: Json) -> Iterator[str]:
    yield (
        f"Open loop, at shares of the {shown(latency['saturation'], 0)} redirects a second that nginx does at most, "
        "from when a request was meant to leave (only hits, where there are misses):"
    )
    yield table(
        ("load", "server", "offered /s", "reached /s", "p50 µs", "p99 µs", "p99.9 µs"),
        (
            (
                row["load"],
                row["server"],
                f"{row['offered']:,}",
                shown(row["reached"], 0),
                *(shown(row[name], 0) if row["carried"] else "not carried" for name in ("p50_us", "p99_us", "p999_us")),
            )
            for row in latency["rows"]
        ),
    )
    yield table(("p99", "×"), ((name, shown(ratio)) for name, ratio in latency["ratios"].items()))


def _resources(resources: Json) -> Iterator[str]:
    yield "Anonymous memory of a worker (RssAnon), more than that of an empty one:"
    yield table(
        ("engine", "links seen", "still cached", "MB more", "bytes a cached link", "EDGE302_CACHE_MB"),
        (
            (
                one["engine"],
                f"{held['seen']:,}",
                f"{held['cached_links']:,}",
                f"{held['more_bytes'] / 1e6:,.1f}",
                f"{held['bytes_a_link']:,.0f}",
                f"{one['cache_mb']}",
            )
            for one in resources["memory"]
            for held in (one["first"], one["second"])
        ),
    )
    yield idle_line(resources)
    yield "System calls of a worker's thread, by strace; a wake-up is a return from epoll_wait:"
    yield table(
        ("engine", "requests", "calls a request", "ready a wake-up", "reads a ready", "writes a ready", "others"),
        (
            (
                one["engine"],
                one["workload"],
                f"{one['calls_a_request']:.3f}",
                *(f"{one[name]:.2f}" for name in ("ready_a_wake_up", "reads_a_ready", "writes_a_ready")),
                f"{one['others_a_wake_up']:.3f}",
            )
            for one in resources["syscalls"]
        ),
    )
    yield startup_line(resources)


def _visibility(visibility: Json) -> Iterator[str]:
    yield f"From the API's reply until the last of {visibility['workers']} workers answers by a change:"
    rows = {"all": visibility["every"], **visibility["by_kind"]}
    yield table(
        ("change", "number", "p50 ms", "p99 ms", "max ms"),
        (
            (kind, f"{row['changes']:,}", *(f"{row[name]:.1f}" for name in ("p50_ms", "p99_ms", "max_ms")))
            for kind, row in rows.items()
        ),
    )


def _misses(misses: Json) -> Iterator[str]:
    yield (
        f"Each request a look-up: {misses['links']:,} links, asked for in turn, of which edge302 keeps few in memory. "
        f"Redis answered {misses['redis_share']:.2%} of the misses that were meant for it; of PostgreSQL "
        f"{misses['codes_a_query']:.1f} links a query were asked. Both are on the load's core. CPU in µs a request. "
        f"The load saw {misses['answered']:,} redirects of edge302, its statistics {misses['counted']:,} clicks."
    )
    others = list(dict.fromkeys(name for row in misses["rows"] for name in row["rate_ratios"]))
    yield table(
        (
            *("server", "rate /s", "core used", "CPU of all", "of the server", "of what is behind it", "misses"),
            *(f"{what} × {name}" for name in others for what in ("CPU of the server", "rate")),
        ),
        (
            (
                row["server"],
                shown(row["rate"], 0),
                f"{row['server_busy']['median']:.0%}",
                *(shown(row[name]) for name in ("cpu_us", "server_us", "behind_us")),
                f"{row['miss_share']['median']:.1%}" if row["miss_share"] else "–",
                *(shown(row[ratios].get(name)) for name in others for ratios in ("server_ratios", "rate_ratios")),
            )
            for row in misses["rows"]
        ),
    )


def _writes(writes: Json) -> Iterator[str]:
    settings = ", ".join(f"{name} {value}" for name, value in writes["settings"].items())
    yield (
        f"Links made in PostgreSQL ({settings}) by one API process, each durable before its reply: "
        f"{writes['answered']:,} answered, {writes['stored']:,} stored, no errors, {writes['checkpoints']} checkpoints."
    )
    yield table(
        ("load", "links /s", "p50 ms", "p99 ms", "worst p99 ms", "API CPU, µs a link", "PostgreSQL's", "core used"),
        (
            (
                row["load"],
                shown(row["rate"], 0),
                *(shown(row[name], 1) for name in ("p50_ms", "p99_ms")),
                f"{max(row['p99s_ms']):.1f}" if row["p99s_ms"] else "–",
                *(shown(row[name], 1) for name in ("cpu_us", "database_us")),
                f"{row['server_busy']['median']:.0%}",
            )
            for row in writes["rows"]
        ),
    )


def _clicks(clicks: Json) -> Iterator[str]:
    yield (
        f"Clicks from the spool into ClickHouse's engine by way of Kafka, everything on the same cores: "
        f"{shown(clicks['stored'], 0)} events /s of {clicks['clicks']:,} a round, each there once. The spool's "
        f"reader alone reads and encodes {shown(clicks['encoded'], 0)} events /s on one core. CPU in µs an event:"
    )
    yield table(("process", "CPU"), ((role, shown(spent)) for role, spent in clicks["cpu_us"].items()))
    seen = clicks["visible"]
    yield (
        f"With little to do, {seen['changes']} clicks were in the statistics after {seen['p50_ms']:,.0f} ms (median), "
        f"{seen['p99_ms']:,.0f} (p99), {seen['max_ms']:,.0f} (at most)."
    )


def _kafka(beside: Json) -> Iterator[str]:
    yield (
        f"Nodes that differ in where single clicks go; the edge's worker is alone on its core, and all else on the "
        f"load's. The load saw {beside['answered']:,} redirects, statistics {beside['counted']:,} clicks; readers of "
        f"Kafka met {beside['published']:,}, each once. × is to the node without single clicks, round by round; CPU in "
        "µs a request, of the worker and of what is behind it."
    )
    yield table(
        (
            "load",
            "single clicks",
            "rate /s",
            "×",
            "p50 µs",
            "×",
            "p99 µs",
            "×",
            "worker's CPU",
            "×",
            "behind",
            "core used",
        ),
        (
            (
                *(row["load"], row["node"], shown(row["rate"], 0), shown(row["rate_ratio"])),
                *(shown(row["p50_us"], 0), shown(row["p50_ratio"]), shown(row["p99_us"], 0), shown(row["p99_ratio"])),
                *(shown(row["cpu_us"]), shown(row["cpu_ratio"]), shown(row["behind_us"])),
                f"{row['server_busy']['median']:.0%}",
            )
            for row in beside["rows"]
        ),
    )


def _questions(questions: Json) -> Iterator[str]:
    yield "Questions about a year of single clicks, in ms; the plain count reads clicks one by one, as others do."
    yield table(
        ("store", "clicks", "question", "about", "p50", "p95", "at most", "plain count"),
        (
            (
                *(row["store"], f"{row['clicks']:,}", row["question"], row["scope"]),
                *(f"{row[name]:,.1f}" for name in ("p50_ms", "p95_ms", "max_ms", "plain_ms")),
            )
            for row in questions["rows"]
        ),
    )


def _base_url(measured: Json) -> Iterator[str]:
    yield (
        f"{measured['base_url']} (API: {measured['api_url']}), {measured['links']:,} links, "
        f"{measured['checked']:,} redirects compared with their targets, none wrong; latencies are closed-loop ones:"
    )
    yield table(
        ("scenario", "right replies /s", "p50 ms", "p99 ms", "errors"),
        (
            (
                row["scenario"],
                shown(row["rate"], 0),
                shown(row["p50_ms"]),
                shown(row["p99_ms"]),
                f"{row['error_share']['median']:.2%}",
            )
            for row in measured["scenarios"]
        ),
    )


_PARTS: Final[Mapping[str, Callable[[Json], Iterable[str]]]] = {
    "redirects": _redirects,
    "latency": _latency,
    "resources": _resources,
    "creates": lambda creates: [creates_line(creates)],
    "visibility": _visibility,
    "misses": _misses,
    "writes": _writes,
    "clicks": _clicks,
    "questions": _questions,
    "kafka": _kafka,
    "base_url": _base_url,
}
