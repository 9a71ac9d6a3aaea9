"""The README's tables, which follow from the code: written anew by `make readme`, checked by a test."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from bench.headline import has_headline, headline
from devstack.locks import ROOT
from shortlink import settings

README: Final = ROOT / "README.md"
RESULTS: Final = ROOT / "bench" / "results"


class NoSuchSection(ValueError):
    """The text lacks the two markers of a section."""


def settings_table() -> str:
    """Every setting as a row: variable, default, meaning."""
    rows = [
        f"| `{variable}` | {f'`{default}`' if default else 'none'} | {meaning} |"
        for variable, default, meaning in settings.table()
    ]
    return "\n".join(["| variable | default | meaning |", "|---|---|---|", *rows])


def newest_result(folder: Path) -> Path:
    """The newest kept result that has all of the headline; a newer schema goes first."""
    kept: dict[Path, dict[str, Any]] = {
        path: msgspec.json.decode(path.read_bytes())
        for path in folder.glob("*.json")
        if not path.stem.endswith("-local")
    }
    return max(
        (path for path, result in kept.items() if has_headline(result)),
        key=lambda path: (kept[path]["schema"], kept[path]["date"]),
    )


def bench_table() -> str:
    """The headline of the newest kept result, with where the rest of it is."""
    path = newest_result(RESULTS)
    text = headline(msgspec.json.decode(path.read_bytes()))
    others = [path.with_suffix(".md"), *sorted(path.parent.glob(f"{path.stem}-*.svg"))]
    links = [f"[{one.name}]({one.relative_to(ROOT)})" for one in (path, *others) if one.exists()]
    return f"{text}\nAll of it: {', '.join(links)}."


SECTIONS: Final[dict[str, Callable[[], str]]] = {"settings": settings_table, "bench": bench_table}


def section(text: str, name: str) -> str:
    """What stands between a section's markers. NoSuchSection: it has none."""
    start, end = _bounds(text, name)
    return text[start:end].strip("\n")


def with_section(text: str, name: str, content: str) -> str:
    """The text with a section's content replaced. NoSuchSection: it has none."""
    start, end = _bounds(text, name)
    return f"{text[:start]}\n{content}\n{text[end:]}"


def _bounds(text: str, name: str) -> tuple[int, int]:
    opening, closing = f"<!-- {name}: `make readme` writes this -->", f"<!-- /{name} -->"
    start, end = text.find(opening), text.find(closing)
    if start < 0 or end < start:
        raise NoSuchSection(f"{opening} … {closing}")
    return start + len(opening), end


def main() -> int:
    """Write all sections."""
    text = README.read_text()
    for name, content in SECTIONS.items():
        text = with_section(text, name, content())
    README.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
