"""Rounds of latency become medians and ratios, but only where the rate was carried."""

from bench.latency_figures import Case, Round, ratios, summary

EDGE, NGINX = Case("edge302 rust", "80 %"), Case("nginx return 302", "80 %")
COMPARED = [("edge302 to nginx", EDGE, NGINX)]


def one(case: Case, p99_us: float, *, carried: bool = True) -> Round:
    return Round(
        server=case.server,
        load=case.load,
        offered=100_000,
        reached=99_999.0 if carried else 60_000.0,
        carried=carried,
        p50_us=p99_us / 4,
        p99_us=p99_us,
        p999_us=p99_us * 2,
        max_us=p99_us * 3,
        miss_p99_us=None,
        slow_replaced=0,
        lag_p99_us=5.0,
        load_busy=0.6,
    )


def test_a_row_is_the_median_over_rounds_of_the_percentile_of_each() -> None:
    rounds = [one(EDGE, 100.0), one(NGINX, 50.0), one(EDGE, 300.0), one(NGINX, 60.0), one(EDGE, 110.0)]
    edge, nginx = summary(rounds)
    assert (edge.server, nginx.server) == (EDGE.server, NGINX.server)
    assert edge.p99_us is not None
    assert edge.p99_us.median == 110.0
    assert nginx.carried


def test_ratios_are_taken_within_a_round_so_that_a_slow_round_changes_nothing() -> None:
    rounds = []
    for slowness in (1, 3, 2):
        rounds += [one(EDGE, 110.0 * slowness), one(NGINX, 100.0 * slowness)]
    ratio = ratios(rounds, COMPARED)["edge302 to nginx"]
    assert ratio.low == ratio.median == ratio.high == 1.1


def test_a_rate_that_was_not_carried_in_one_round_gives_neither_latencies_nor_a_ratio() -> None:
    rounds = [one(EDGE, 100.0), one(NGINX, 50.0), one(EDGE, 900_000.0, carried=False), one(NGINX, 50.0)]
    edge, _ = summary(rounds)
    assert (edge.carried, edge.p50_us, edge.p99_us, edge.p999_us) == (False, None, None, None)
    assert edge.reached.median < edge.offered
    assert ratios(rounds, COMPARED) == {}
