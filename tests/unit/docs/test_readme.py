"""The README says what the code says."""

import json
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from bench.headline import WORKLOADS
from devstack.readme import README, SECTIONS, NoSuchSection, newest_result, section, with_section
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


def test_the_newest_kept_result_of_redirects_is_shown(tmp_path: Path) -> None:
    def keep(name: str, schema: int, time: str, loads: Sequence[str] = WORKLOADS) -> None:
        redirects = {"rows": [{"workload": load} for load in loads]} if loads else None
        result = {"schema": schema, "date": f"2026-11-24T{time}", "redirects": redirects}
        (tmp_path / f"2026-11-24-{name}.json").write_text(json.dumps(result))

    keep("z-old", 1, "23:00:00")
    keep("b", 2, "10:00:00")
    keep("a", 2, "11:00:00")
    keep("of-a-url", 2, "12:00:00", loads=())
    keep("of-some-loads", 2, "12:30:00", loads=WORKLOADS[1:])
    keep("local", 2, "13:00:00")
    assert newest_result(tmp_path).name == "2026-11-24-a.json"
