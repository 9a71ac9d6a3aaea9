"""Loads ask for what their names say."""

import re
from collections import Counter
from pathlib import Path

import pytest

from bench import links, servers, workloads

CODES = [links.code_of(number) for number in range(2_000)]


@pytest.fixture(autouse=True)
def few_links(monkeypatch: pytest.MonkeyPatch) -> None:
    """A benchmark's own hundred thousand links make no other requests, only more."""
    monkeypatch.setattr(servers, "LINKS", 1_000)
    monkeypatch.setattr(workloads, "MOST_A_SECOND", 3_000)


def asked(load: workloads.Workload, number: int = 0) -> list[str]:
    """The codes that the load's file asks for."""
    return re.findall(r"(?:GET|HEAD) /(\w+) ", load.requests(number).read_text())


def everyday(folder: Path) -> dict[str, workloads.Workload]:
    return {load.name: load for load in workloads.everyday(folder, CODES[:1_000])}


def test_every_load_asks_only_for_codes_that_were_asked_for_before(tmp_path: Path) -> None:
    for load in everyday(tmp_path).values():
        assert set(asked(load)) <= set(load.codes), load.name


def test_loads_over_many_links_ask_for_those_only_that_were_asked_for_before(tmp_path: Path) -> None:
    for load in workloads.many(tmp_path, CODES):
        assert set(asked(load)) <= set(load.codes), load.name


def test_unknown_codes_are_known_to_nobody(tmp_path: Path) -> None:
    unknown = everyday(tmp_path)["unknown codes, Zipf keys"]
    assert len(set(unknown.codes)) == len(unknown.codes)
    assert not set(unknown.codes) & set(CODES)


def test_deep_loads_ask_for_every_link_equally_often(tmp_path: Path) -> None:
    counts = Counter(asked(everyday(tmp_path)["16 deep, 1k links"]))
    assert max(counts.values()) - min(counts.values()) <= 1
    assert len(counts) >= 1_000 - 15  # what fills no write is not sent


def test_a_share_of_requests_is_for_codes_that_no_round_asks_for_again(tmp_path: Path) -> None:
    loads = list(workloads.misses(tmp_path, CODES, 1))
    seen: set[str] = set()
    for share, load in zip(workloads.MISS_SHARES, loads, strict=True):
        for number in range(2):
            requests = asked(load, number)
            fresh = [code for code in requests if code not in set(load.codes)]
            assert len(requests) == load.fresh == 3_000
            assert len(fresh) == len(set(fresh)) == 3_000 * share
            assert not seen & set(fresh)
            seen |= set(fresh)


def test_servers_of_a_load_are_known(tmp_path: Path) -> None:
    known = {*servers.EDGES, *servers.OTHERS, workloads.CLOSING_NGINX}
    assert all(set(load.servers) <= known for load in everyday(tmp_path).values())
