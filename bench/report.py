"""A result as a table for people."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from bench.figures import Figure

SATURATED: Final = 0.98
_ROLES: Final = {"gateway": "edge", "clicks": "counting"}
_HEAD: Final = (
    "| requests | server | rate /s | server CPU, µs a request | × nginx | × bare |",
    "|---|---|---:|---:|---:|---:|",
)


def markdown(result: Mapping[str, Any]) -> str:
    """The tables of a result as `bench` prints it; parts that were left out are left out here too."""
    parts = [_origin(result)]
    if redirects := result["redirects"]:
        parts.append("\n".join([*_HEAD, *map(_row, redirects["rows"])]))
        parts.append(
            f"All replies are {redirects['reply_bytes']} bytes long; {redirects['replies_checked']:,} were compared "
            "one by one, the others by status and size. Of edge302 the load saw "
            f"{redirects['answered']:,} redirects, its statistics {redirects['counted']:,} clicks (the rest was in "
            f"flight when a load ended). {_saturation(redirects['rounds'])}"
        )
    if creates := result["creates"]:
        parts.append(
            f"`POST /api/shorten`, one API process, 64 connections: **{Figure(**creates['rate']).shown(0)}** links a "
            f"second, each on disk before its 201; p99 {Figure(**creates['p99_ms']).shown(1)} ms, "
            f"{Figure(**creates['cpu_us']).shown(0)} µs of server CPU each; no errors."
        )
    if visibility := result["visibility"]:
        parts.append("\n".join(_visibility(visibility)))
    return "\n\n".join(parts) + "\n"


def _origin(result: Mapping[str, Any]) -> str:
    machine, parameters = result["machine"], result["parameters"]
    return (
        f"{result['date'][:10]}, edge302 {machine['edge302']} ({machine['commit']}), {machine['cores']} cores of "
        f"{machine['cpu']}, Linux {machine['kernel']}, Python {machine['python']}, nginx {machine['nginx']}; "
        f"medians of {parameters['rounds']} interleaved rounds of {parameters['seconds']} s, quartiles in brackets."
    )


def _saturation(rounds: Sequence[Mapping[str, Any]]) -> str:
    full = sum(one["server_busy"] >= SATURATED for one in rounds)
    return (
        f"In {full} of {len(rounds)} measurements the server used up its core: "
        "only there does a rate say what it can do; CPU per request holds everywhere."
    )


def _row(row: Mapping[str, Any]) -> str:
    cpu = Figure(**row["cpu_us"]).shown()
    shares = [
        f"{name} {row['cpu_us_by_role'][role]['median']:.2f}"
        for role, name in _ROLES.items()
        if role in row["cpu_us_by_role"]
    ]
    cells = (
        row["workload"],
        row["server"],
        Figure(**row["rate"]).shown(0),
        f"{cpu}; {', '.join(shares)}" if shares else cpu,
        f"{row['to_nginx']['median']:.2f}",
        f"{row['to_bare']['median']:.2f}",
    )
    return f"| {' | '.join(cells)} |"


def _visibility(visibility: Mapping[str, Any]) -> list[str]:
    rows = {"all": visibility["every"], **visibility["by_kind"]}
    return [
        f"From the API's reply until the last of {visibility['workers']} workers answers by a change:",
        "",
        "| change | number | p50 ms | p99 ms | max ms |",
        "|---|---:|---:|---:|---:|",
        *(
            f"| {kind} | {row['changes']:,} | {row['p50_ms']:.1f} | {row['p99_ms']:.1f} | {row['max_ms']:.1f} |"
            for kind, row in rows.items()
        ),
    ]
