"""The tally: what prometheus-client shows after a flush is what was noted."""

from prometheus_client import REGISTRY

from control_api.metrics import RequestTally


def shown(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def test_requests_are_counted_by_route_method_and_status() -> None:
    tally = RequestTally()
    for status in (200, 200, 404):
        tally.note("/tally/a", "GET", status, 0.001)
    assert shown("edge302_api_requests_total", route="/tally/a", method="GET", status="200") == 0
    tally.flush()
    tally.flush()
    assert shown("edge302_api_requests_total", route="/tally/a", method="GET", status="200") == 2
    assert shown("edge302_api_requests_total", route="/tally/a", method="GET", status="404") == 1


def test_invented_methods_share_one_label() -> None:
    tally = RequestTally()
    for method in ("BREW", "WHEN"):
        tally.note("/tally/b", method, 405, 0.001)
    tally.flush()
    assert shown("edge302_api_requests_total", route="/tally/b", method="other", status="405") == 2


def test_times_fall_into_buckets_as_prometheus_has_them() -> None:
    tally = RequestTally()
    for seconds in (0.0004, 0.0005, 0.003, 99.0):  # a bound belongs to its bucket
        tally.note("/tally/c", "GET", 200, seconds)
    tally.flush()
    name = "edge302_api_request_seconds"
    assert shown(name + "_count", route="/tally/c") == 4
    assert shown(name + "_sum", route="/tally/c") == 0.0004 + 0.0005 + 0.003 + 99.0
    assert shown(name + "_bucket", route="/tally/c", le="0.0005") == 2
    assert shown(name + "_bucket", route="/tally/c", le="0.0025") == 2
    assert shown(name + "_bucket", route="/tally/c", le="0.005") == 3
    assert shown(name + "_bucket", route="/tally/c", le="10.0") == 3
    assert shown(name + "_bucket", route="/tally/c", le="+Inf") == 4
