"""An old copy of another cache does while no store answers, and is never taken for news."""

import pytest

from gateway.engines.contract import LIFETIME_SECONDS, STALE_SECONDS
from shortlink.links import Change, LinkKey
from tests.engine_contract.parts import TARGET, Client, Node, get, make_link, parse_replies

KNOWN = LinkKey("", "known01")
OLD = LIFETIME_SECONDS * 2


@pytest.fixture
def client(node: Node) -> Client:
    return node.connect(resolves=False)


def visit(node: Node, client: Client, *, age: float | None = None) -> str | int | None:
    """Where KNOWN leads, or the status: with a copy of that age if one is asked for; None: it waits."""
    before = len(client.received)
    client.send(get("known01"))
    if node.engine.take_misses() and age is not None:
        node.answer({KNOWN: node.links[KNOWN]}, asked_at=node.clock.monotonic() - age)
        client.step(client.connection.resume)
    if len(client.received) == before:
        return None
    (reply,) = parse_replies(client.received[before:])
    return reply.fields.get("location", reply.status)


def test_it_is_served_and_counted_as_stale(node: Node, client: Client) -> None:
    assert visit(node, client, age=OLD) == TARGET
    assert (node.page["cache_stale_hits"], node.page["store_unavailable"]) == (1, 0)


def test_it_is_not_asked_for_at_each_request_but_each_second(node: Node, client: Client) -> None:
    assert visit(node, client, age=OLD) == TARGET
    assert [visit(node, client) for _ in range(3)] == [TARGET] * 3
    node.clock.advance(1)
    assert visit(node, client) is None


def test_it_is_no_longer_served_an_hour_after_it_was_confirmed(node: Node, client: Client) -> None:
    assert visit(node, client, age=STALE_SECONDS + 1) == 503
    node.clock.advance(1)
    assert visit(node, client, age=STALE_SECONDS - 10) == TARGET
    node.clock.advance(11)
    node.is_reachable = False
    assert visit(node, client, age=OLD) == 503


def test_a_disabled_link_is_not_served_from_it(node: Node, client: Client) -> None:
    node.add(make_link("known01", enabled=False))
    assert visit(node, client, age=OLD) == 503


def test_it_does_not_replace_a_newer_version(node: Node, client: Client) -> None:
    visit(node, client, age=0)
    node.clock.advance(LIFETIME_SECONDS * 2)
    node.add(make_link("known01", version=1, target="https://e.com/older"))
    assert visit(node, client, age=OLD) == TARGET


def test_it_does_not_bring_back_what_was_served_before_a_link_was_disabled(node: Node, client: Client) -> None:
    node.add(make_link("known01", enabled=False))
    visit(node, client, age=0)
    node.clock.advance(LIFETIME_SECONDS * 2)
    node.add(make_link("known01", version=1))
    assert visit(node, client, age=OLD) == 503


def test_it_replaces_an_older_version(node: Node, client: Client) -> None:
    visit(node, client, age=0)
    node.clock.advance(LIFETIME_SECONDS * 2)
    node.add(make_link("known01", version=1 << 21, target="https://e.com/newer"))
    assert visit(node, client, age=LIFETIME_SECONDS * 1.5) == "https://e.com/newer"


def test_one_too_old_to_serve_says_that_the_older_one_held_is_wrong(node: Node, client: Client) -> None:
    visit(node, client, age=0)
    node.clock.advance(LIFETIME_SECONDS * 2)
    node.add(make_link("known01", version=1 << 21, target="https://e.com/newer"))
    assert visit(node, client, age=STALE_SECONDS + 1) == 503
    node.clock.advance(1)
    node.is_reachable = False
    assert visit(node, client, age=0) == 503


@pytest.mark.parametrize("age", [LIFETIME_SECONDS * 0.3, OLD])
def test_the_time_of_one_version_is_never_moved_back(node: Node, client: Client, age: float) -> None:
    visit(node, client, age=0)
    node.answer({KNOWN: node.links[KNOWN]}, asked_at=node.clock.monotonic() - age)
    node.clock.advance(LIFETIME_SECONDS * 0.75)
    assert visit(node, client) == TARGET
    node.engine.tick()  # hits are counted in the page by then
    assert node.page["cache_hits"] == 1


def test_it_does_not_make_a_link_fresh_that_is_suspect(node: Node, client: Client) -> None:
    visit(node, client, age=0)
    node.clock.advance(1)
    node.engine.forget_all()
    node.clock.advance(1)
    assert visit(node, client, age=OLD) == TARGET
    node.clock.advance(1)
    assert visit(node, client) is None


def test_one_that_is_older_than_a_change_heard_meanwhile_is_asked_for_again(node: Node, client: Client) -> None:
    client.send(get("known01"))
    node.engine.take_misses()
    node.engine.announce([Change(KNOWN, 1 << 21)])
    node.answer({KNOWN: node.links[KNOWN]}, asked_at=node.clock.monotonic() - OLD)
    assert client.received == b""
    assert list(node.engine.take_misses()) == [KNOWN]
