"""The gate: compare the ratios of a benchmark's result with kept ones, by the standard library alone.

    python bench/bench_regression_check.py --results R --baselines docs/bench_baselines.json --tolerance 0.05

R is what `make bench > R` printed. One line a ratio; the exit code is 0 when none is worse, 1 when one is worse or
missing, 2 when the files can't be used. Times of two runs differ with the machine's mood, ratios within one run hardly:
so no time is kept, only what two servers or workloads of the same run are to each other.
"""

import argparse
import json
import math
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal, NoReturn

SCHEMA: Final = 2
BASELINES: Final = Path(__file__).parent.parent / "docs" / "bench_baselines.json"
# What is compared of a server that was measured by its URL, and which way is better.
SCENARIO_FIGURES: Final[Mapping[str, "Better"]] = {
    "rate": "higher",
    "p50_ms": "lower",
    "p99_ms": "lower",
    "error_share": "lower",
}

Better = Literal["lower", "higher"]
Step = str | dict[str, Any]
"""A way into a result: a member's name, or the members by which the one element of a list is known."""


class Unusable(Exception):
    """A file or an argument that nothing can be concluded from; the text says how to mend it."""


@dataclass(frozen=True, slots=True)
class Ratio:
    """What is compared.

    Attributes:
        of: where the figure stands in a result.
        to: where the figure stands that it is divided by; empty: `of` is a ratio already.
        value: what it was when it was kept; None: it was not measured yet.
    """

    name: str
    of: Sequence[Step]
    better: Better
    to: Sequence[Step] = ()
    value: float | None = None

    def left_out_of(self, result: Mapping[str, Any]) -> str | None:
        """The part of the benchmark that it needs and that did not run; None: all did."""
        parts = (str(path[0]) for path in (self.of, self.to) if path)
        return next((part for part in parts if result.get(part) is None), None)

    def found_in(self, result: Mapping[str, Any]) -> float | None:
        """Its value in a result; None: it is not there, or no number."""
        value, divisor = _figure(result, self.of), _figure(result, self.to) if self.to else 1.0
        return value / divisor if value is not None and divisor else None


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the output. `verdict`: OK, WORSE, MISSING or NOT CHECKED."""

    verdict: str
    ratio: Ratio
    text: str


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare, or write the baselines anew; the exit code."""
    options = _options(arguments)
    try:
        result = read_result(options.results)
        if options.write:
            return _write(options.baselines, result, Path(options.results).name)
        ratios = read_baselines(options.baselines, result)
        lines = list(compare(ratios, result, options.tolerance))
        if all(line.verdict == "NOT CHECKED" for line in lines):
            raise Unusable(
                f"{options.results} holds none of the ratios of {options.baselines}: there is nothing to check"
            )
    except Unusable as exc:
        print(f"bench_regression_check: {exc}", file=sys.stderr)
        return 2
    print(*_aligned(lines), sep="\n")
    failures = {"WORSE", "MISSING"} | ({"NOT CHECKED"} if options.all else set())
    return 1 if any(line.verdict in failures for line in lines) else 0


def compare(ratios: Sequence[Ratio], result: Mapping[str, Any], tolerance: float) -> Iterator[Line]:
    """A verdict for each ratio."""
    for ratio in ratios:
        if part := ratio.left_out_of(result):
            yield Line("NOT CHECKED", ratio, f"the part {part} was left out")
        elif ratio.value is None:
            yield Line("NOT CHECKED", ratio, "no value was kept yet: --write takes it from a result")
        elif (value := ratio.found_in(result)) is None:
            yield Line("MISSING", ratio, f"the result has no number at {_shown_path(ratio)}")
        else:
            limit = worst_that_passes(ratio.value, ratio.better, tolerance)
            passes = math.isclose(value, limit) or (value < limit) == (ratio.better == "lower")
            bound = "at most" if ratio.better == "lower" else "at least"
            text = f"{_shown(value):>9}, was {_shown(ratio.value)}, {bound} {_shown(limit)}"
            yield Line("OK" if passes else "WORSE", ratio, text)


def worst_that_passes(kept: float, better: Better, tolerance: float) -> float:
    """`tolerance` is a share of the kept value: what it may be worse by, or, below 0, what it must be better by."""
    return kept * (1 + tolerance if better == "lower" else 1 - tolerance)


def read_result(name: str) -> dict[str, Any]:
    """A result of `make bench`; "-" is standard input.

    Raises:
        Unusable: it can't be read, is no JSON, or of another schema.
    """
    return _result(name, _read_json(name, "make one with `make bench > R`"))


def _result(name: str, content: object) -> dict[str, Any]:
    if not isinstance(content, dict) or "schema" not in content:
        raise Unusable(f"{name} is no result of the benchmark: make one with `make bench > R`")
    if content["schema"] != SCHEMA:
        raise Unusable(f"{name} has schema {content['schema']}, not {SCHEMA}: measure anew with `make bench`")
    return content


def read_baselines(name: str, result: Mapping[str, Any]) -> list[Ratio]:
    """The ratios of a baselines file, or those of another result, which may be given in its place.

    Raises:
        Unusable: it is neither.
    """
    content = _read_json(name, f"the kept ones are {BASELINES.name} in docs/")
    if isinstance(content, dict) and "ratios" in content:
        return _ratios(name, content)
    other = _result(name, content)
    if other.get("machine") != result.get("machine"):
        print("note: the two results differ in machine or versions", file=sys.stderr)
    if other.get("base_url"):
        return list(_scenarios(other))
    known = _ratios(str(BASELINES), _read_json(str(BASELINES), "restore it"))
    return list(_valued_by(known, other))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    assert __doc__
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--results", required=True, metavar="R", help="what `make bench > R` printed; -: standard input"
    )
    parser.add_argument(
        "--baselines", default=str(BASELINES), metavar="B", help="kept ratios, or another result to compare with"
    )
    parser.add_argument(
        "--tolerance",
        type=_share,
        default=0.05,
        metavar="T",
        help="share by which a ratio may be worse than kept (0.05); below 0: by which it must be better (-0.1)",
    )
    parser.add_argument("--all", action="store_true", help="a ratio whose part of the benchmark was left out fails too")
    parser.add_argument("--write", action="store_true", help="write the values of R into B instead of comparing")
    return parser.parse_args(arguments)


def _share(text: str) -> float:
    share = float(text)
    if not -1 < share < 1:
        raise argparse.ArgumentTypeError(f"{text} is no share between -1 and 1; 5 % is 0.05")
    return share


def _read_json(name: str, advice: str) -> Any:  # noqa: ANN401 - the checks on what it is follow
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text()
    except (OSError, UnicodeDecodeError) as exc:
        raise Unusable(f"{name} can't be read ({exc}): {advice}") from exc
    if not text.strip():
        raise Unusable(f"{name} is empty; a void run leaves nothing, and says why on standard error: {advice}")
    try:
        return json.loads(text, parse_constant=_no_number)
    except ValueError as exc:
        raise Unusable(f"{name} is no JSON ({exc}); progress goes to standard error, not into it: {advice}") from exc


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number of JSON")


def _ratios(name: str, content: Mapping[str, Any]) -> list[Ratio]:
    try:
        ratios = [Ratio(**members) for members in content["ratios"]]
    except TypeError as exc:
        raise Unusable(f"{name}: a ratio has name, of, to (optional), better and value ({exc})") from exc
    if not ratios:
        raise Unusable(f"{name} holds no ratios")
    for ratio in ratios:
        if fault := _fault(ratio):
            raise Unusable(f"{name}: {ratio.name!r} {fault}")
    return ratios


def _fault(ratio: Ratio) -> str | None:
    paths = [ratio.of, ratio.to] if ratio.to else [ratio.of]
    for path in paths:
        if not isinstance(path, list) or not path or not isinstance(path[0], str):
            return "needs a path: a list that begins with a part of the result"
        if not all(isinstance(step, str | dict) for step in path):
            return "has a step that is neither a member's name nor members to find an element by"
    if ratio.better not in ("lower", "higher"):
        return 'says neither "better": "lower" nor "higher"'
    if ratio.value is not None and not (_is_number(ratio.value) and ratio.value > 0):
        return "has a value that is no number above 0"
    return None


def _valued_by(ratios: Sequence[Ratio], result: Mapping[str, Any]) -> Iterator[Ratio]:
    """Those ratios that a result holds, with its values, to four digits."""
    for ratio in ratios:
        if (value := ratio.found_in(result)) is not None:
            yield replace(ratio, value=float(f"{value:.4g}"))


def _scenarios(result: Mapping[str, Any]) -> Iterator[Ratio]:
    """What a server that was measured by its URL is compared by."""
    for scenario in result["base_url"]["scenarios"]:
        for member, better in SCENARIO_FIGURES.items():
            path: list[Step] = ["base_url", "scenarios", {"scenario": scenario["scenario"]}, member, "median"]
            value = _figure(result, path)
            if value is not None:
                yield Ratio(f"{scenario['scenario']}: {member}", path, better, value=value)


def _figure(result: Mapping[str, Any], path: Sequence[Step]) -> float | None:
    """The number at the end of a path; None: there is none."""
    node: Any = result
    for step in path:
        if isinstance(step, str):
            node = node.get(step) if isinstance(node, dict) else None
        else:
            elements = node if isinstance(node, list) else []
            node = next((one for one in elements if isinstance(one, dict) and step.items() <= one.items()), None)
    return float(node) if _is_number(node) else None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _aligned(lines: Sequence[Line]) -> Iterator[str]:
    width = max(len(line.ratio.name) for line in lines)
    for line in lines:
        yield f"{line.verdict:11}  {line.ratio.name:{width}}  {line.text}"
    counts = Counter(line.verdict for line in lines)
    yield f"{len(lines)} ratios: " + ", ".join(f"{number} {verdict}" for verdict, number in counts.items())


def _shown(value: float) -> str:
    return f"{value:,.0f}" if value >= 1_000 else f"{value:.4g}"


def _shown_path(ratio: Ratio) -> str:
    def shown(path: Sequence[Step]) -> str:
        return " / ".join(step if isinstance(step, str) else ", ".join(map(str, step.values())) for step in path)

    return " to ".join(shown(path) for path in (ratio.of, ratio.to) if path)


def _write(name: str, result: Mapping[str, Any], source: str) -> int:
    """Put a result's values into a baselines file; what its left-out parts would tell stays as it was."""
    kept = _ratios(name, _read_json(name, "write the names of its ratios first"))
    anew = {ratio.name: ratio for ratio in _valued_by(kept, result)}
    for ratio in kept:
        if ratio.name not in anew and not ratio.left_out_of(result):
            raise Unusable(f"{source} has no number at {_shown_path(ratio)}: {name} stays as it was")
    rows = ",\n".join(f"    {json.dumps(asdict(anew.get(ratio.name, ratio)))}" for ratio in kept)
    Path(name).write_text(f'{{\n  "from": {json.dumps(source)},\n  "ratios": [\n{rows}\n  ]\n}}\n')
    print(f"{name}: {len(anew)} of {len(kept)} ratios are now those of {source}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
