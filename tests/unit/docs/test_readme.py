"""The README says what the code says."""

import re

import pytest

from devstack.readme import README, SECTIONS, NoSuchSection, section, with_section
from shortlink import settings

ROOT = README.parent


@pytest.mark.parametrize("name", SECTIONS)
def test_each_table_is_what_the_code_makes_today(name: str) -> None:
    assert section(README.read_text(), name) == SECTIONS[name]().strip("\n"), "run `make readme`"


def test_every_setting_is_in_the_table() -> None:
    table = section(README.read_text(), "settings")
    assert all(f"| `{variable}` |" in table for variable, _, _ in settings.table())


def test_every_link_to_a_file_leads_somewhere() -> None:
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", README.read_text())
    assert targets
    assert [target for target in targets if not (ROOT / target).exists()] == []


def test_every_folder_of_the_tour_exists() -> None:
    tour = re.findall(r"^\| `([a-z_0-9]+)/` \|", README.read_text(), re.MULTILINE)
    assert {"edge302", "shortlink", "redirect_core", "gateway", "clicks", "control_api"} <= set(tour)
    assert [folder for folder in tour if not (ROOT / folder).is_dir()] == []


def test_every_make_target_that_it_names_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"`?make ([a-z-]+)", README.read_text())) - {"it"}:
        assert re.search(rf"^(\S+ )*{target}( \S+)*:", makefile, re.MULTILINE), target


def test_a_section_is_replaced_and_the_rest_stays() -> None:
    text = "before\n<!-- x: `make readme` writes this -->\nold\n<!-- /x -->\nafter\n"
    assert section(with_section(text, "x", "new"), "x") == "new"
    assert with_section(text, "x", "old") == text


def test_a_missing_section_is_told() -> None:
    with pytest.raises(NoSuchSection):
        section("nothing here", "x")
