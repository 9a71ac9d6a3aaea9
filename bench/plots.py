"""A result as pictures: CPU per request by server, and the latency that visitors see at a given rate."""

import io
from collections.abc import Mapping, Sequence
from typing import Any, Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from bench.headline import WORKLOADS

# The same result must give the same file, and text that can be searched.
mpl.rcParams.update({"svg.hashsalt": "edge302", "svg.fonttype": "none", "font.size": 9})
ALONE: Final = "of nginx's most"  # so end the loads of bench/latency.py that nothing disturbs
OWN: Final = "#b7410e"
OTHER: Final = "#5f7a8c"


def drawings(result: Mapping[str, Any]) -> dict[str, str]:
    """SVG documents by name, of the parts that were measured."""
    drawn = {}
    if redirects := result["redirects"]:
        drawn["cpu"] = _svg(_cpu(redirects["rows"]))
    carried = [row for row in (result["latency"] or {"rows": []})["rows"] if row["carried"]]
    if carried:
        drawn["latency"] = _svg(_latency(carried))
    return drawn


def _cpu(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """A point for each server; a panel for each workload."""
    panels = {name: found for name in WORKLOADS if (found := [row for row in rows if row["workload"] == name])}
    heights = [len(found) + 1 for found in panels.values()]
    figure = Figure(figsize=(8, 0.35 * sum(heights) + 0.8), layout="constrained")
    axes = figure.subplots(len(panels), 1, squeeze=False, height_ratios=heights)[:, 0]
    for axis, (workload, found) in zip(axes, panels.items(), strict=True):
        _costs(axis, workload, sorted(found, key=lambda row: -row["cpu_us"]["median"]))
    return figure


def _costs(axis: Axes, workload: str, rows: Sequence[Mapping[str, Any]]) -> None:
    for row in rows:
        cost = row["cpu_us"]
        colour = OWN if row["server"].startswith("edge302") else OTHER
        axis.errorbar([cost["median"]], [row["server"]], xerr=_spread([cost]), fmt="o", capsize=3, color=colour)
        axis.annotate(f"{cost['median']:.2f}", (cost["median"], row["server"]), (0, 6), textcoords="offset points")
    axis.set_xscale("log")  # a handler in Python costs many times what nginx does
    _label(axis.xaxis)
    axis.margins(x=0.1, y=0.1)
    axis.grid(axis="y", alpha=0.3)
    axis.set_title(workload, loc="left")
    axis.set_xlabel("server CPU, µs a request (median, quartiles; logarithmic)")


def _latency(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """p99 by the rate offered: a line for each server alone, and a point for each thing that it was disturbed by."""
    by_case: dict[str, list[Mapping[str, Any]]] = {}
    for row in sorted(rows, key=lambda row: row["offered"]):
        alone = row["load"].endswith(ALONE)
        by_case.setdefault(row["server"] if alone else f"{row['server']}: {row['load']}", []).append(row)
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axis = figure.subplots()
    for case, found in by_case.items():
        offered, p99 = [row["offered"] for row in found], [row["p99_us"] for row in found]
        axis.errorbar(offered, _medians(p99), yerr=_spread(p99), marker="o", capsize=3, label=case)
    axis.set_yscale("log")
    _label(axis.yaxis)
    axis.set_xlabel("requests offered a second, open loop")
    axis.set_ylabel("p99, µs (median, quartiles; logarithmic)")
    axis.legend()
    return figure


def _label(axis: Axis) -> None:
    """Plain numbers at 1, 2 and 5 of each power of ten."""
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter("{x:,g}")
    axis.set_minor_formatter(NullFormatter())


def _medians(figures: Sequence[Mapping[str, float]]) -> list[float]:
    return [one["median"] for one in figures]


def _spread(figures: Sequence[Mapping[str, float]]) -> list[list[float]]:
    """How far the quartiles are below and above the medians."""
    return [[one["median"] - one["low"] for one in figures], [one["high"] - one["median"] for one in figures]]


def _svg(figure: Figure) -> str:
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue()
