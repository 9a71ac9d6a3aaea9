"""Rounds are compared within themselves, and with what ran under the same load."""

from bench.rounds import Round
from bench.servers import BARE, EDGES, NGINX
from bench.summary import summary
from tests.unit.bench.results import one_round

EDGE = EDGES[0]


def one(server: str, cpu_us: float, workload: str = "plain", miss_share: float | None = None) -> Round:
    return one_round(server, workload, cpu_us, counting_us=cpu_us / 2, miss_share=miss_share)


def test_ratios_are_taken_within_a_round_so_that_a_slow_round_changes_nothing() -> None:
    rounds = []
    for slowness in (1, 3, 2):  # the machine was three times slower in the second round
        rounds += [one(EDGE, 9.0 * slowness), one(NGINX, 4.5 * slowness), one(BARE, 6.0 * slowness)]
    rows = {row.server: row for row in summary(rounds)}
    to_nginx = rows[EDGE].ratios[NGINX]
    assert to_nginx.low == to_nginx.median == to_nginx.high == 2.0
    assert rows[EDGE].ratios[BARE].median == 1.5
    assert rows[EDGE].cpu_us.median == 18.0


def test_a_row_has_ratios_to_all_others_of_its_load_and_to_no_one_else() -> None:
    rows = summary(
        [one(EDGE, 9.0), one(NGINX, 4.5), one(EDGE, 9.0, "deep"), one(BARE, 3.0, "deep"), one(EDGE, 1, "own")]
    )
    assert {(row.workload, row.server): list(row.ratios) for row in rows} == {
        ("plain", NGINX): [],
        ("plain", EDGE): [NGINX],
        ("deep", BARE): [],
        ("deep", EDGE): [BARE],
        ("own", EDGE): [],
    }


def test_only_edge302_tells_of_misses() -> None:
    rows = summary([one(EDGE, 9.0, miss_share=0.25), one(EDGE, 9.0, miss_share=0.75), one(NGINX, 4.5), one(NGINX, 4.5)])
    assert [row.miss_share and row.miss_share.median for row in rows] == [None, 0.5]


def test_the_edge_alone_is_compared_as_well() -> None:
    rows = {row.server: row for row in summary([one(EDGE, 9.0), one(NGINX, 4.5)])}
    assert rows[EDGE].edge_ratios[NGINX].median == rows[EDGE].ratios[NGINX].median / 2
    assert rows[NGINX].edge_ratios == {}
