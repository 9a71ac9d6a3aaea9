"""The list of decisions is complete."""

import re

from devstack.locks import ROOT

FOLDER = ROOT / "docs" / "adr"
PAGES = sorted(path.name for path in FOLDER.glob("[0-9]*.md"))


def test_every_page_is_listed_once() -> None:
    listed = re.findall(r"^- \[.*\]\(([0-9].*\.md)\)$", (FOLDER / "README.md").read_text(), re.MULTILINE)
    assert sorted(listed) == PAGES


def test_no_two_pages_have_one_number() -> None:
    numbers = [name[:4] for name in PAGES]
    assert len(set(numbers)) == len(numbers)


def test_every_page_begins_with_its_number() -> None:
    for name in PAGES:
        assert (FOLDER / name).read_text().startswith(f"# {name[:4]}: ")
