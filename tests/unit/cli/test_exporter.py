"""An export to a file: whole or not there, and going on where it stopped."""

from pathlib import Path
from typing import Any

import pytest

from edge302.imports.exporter import PAGE, export_links

LINKS = [
    {"code": f"c{n}", "target": f"https://example.com/{n}", "tags": ["a", "b"], "enabled": True} for n in range(1_203)
]


class Pages:
    """Pages of LINKS; the control plane goes away before page `cut`."""

    def __init__(self, cut: int | None = None) -> None:
        self.asked = 0
        self._cut = cut

    def __call__(self, *, order: str, limit: int, cursor: str | None) -> tuple[list[dict[str, Any]], str | None]:
        assert order == "oldest"
        if self.asked == self._cut:
            raise ConnectionError
        self.asked += 1
        start = int(cursor or 0)
        return LINKS[start : start + limit], str(start + limit) if start + limit < len(LINKS) else None


@pytest.mark.parametrize("file_format", ["ndjson", "csv"])
@pytest.mark.parametrize("cut", [0, 1, 2])
def test_an_interrupted_export_goes_on_and_ends_the_same(tmp_path: Path, file_format: str, cut: int) -> None:
    whole, file = tmp_path / "whole", tmp_path / "file"
    assert export_links(Pages(), whole, file_format, lambda done: None) == len(LINKS)
    with pytest.raises(ConnectionError):
        export_links(Pages(cut), file, file_format, lambda done: None)
    assert not file.exists()
    with (tmp_path / "file.part").open("ab") as part:
        part.write(b"a page that was being written")
    rest = Pages()
    assert export_links(rest, file, file_format, lambda done: None) == len(LINKS)
    assert rest.asked == -(-len(LINKS) // PAGE) - cut
    assert file.read_bytes() == whole.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "whole"]


def test_another_format_begins_anew(tmp_path: Path) -> None:
    with pytest.raises(ConnectionError):
        export_links(Pages(1), tmp_path / "file", "csv", lambda done: None)
    export_links(Pages(), tmp_path / "file", "ndjson", lambda done: None)
    assert len((tmp_path / "file").read_bytes().splitlines()) == len(LINKS)
