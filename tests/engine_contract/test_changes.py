"""A change that was announced is seen at once, whatever was under way."""

from gateway.engines.contract import LIFETIME_SECONDS
from shortlink.links import Change, LinkKey
from tests.engine_contract.parts import Client, Node, get, make_link, parse_replies

KNOWN = LinkKey("", "known01")


def location(client: Client, code: str = "known01") -> str | int:
    """Where the code leads; its status if it leads nowhere."""
    (reply,) = parse_replies(client.send(get(code)))
    return reply.fields.get("location", reply.status)


def test_an_edit_a_disabling_and_a_removal(node: Node) -> None:
    client = node.connect()
    location(client)
    node.change(KNOWN, target="https://e.com/new")
    assert location(client) == "https://e.com/new"
    node.change(KNOWN, enabled=False)
    assert location(client) == 404
    node.change(KNOWN, enabled=True)
    assert location(client) == "https://e.com/new"
    node.remove(KNOWN)
    assert location(client) == 404


def test_a_code_that_was_just_absent_is_created(node: Node) -> None:
    client = node.connect()
    assert location(client, "later01") == 404
    link = make_link("later01", target="https://e.com/later")
    node.add(link)
    assert location(client, "later01") == 404
    node.engine.announce([Change(link.key, link.version)])
    assert location(client, "later01") == "https://e.com/later"


def test_a_change_of_another_link_costs_nothing(node: Node) -> None:
    client = node.connect()
    location(client)
    node.engine.announce([Change(LinkKey("", "other01"), 99), Change(LinkKey("a.example", "known01"), 1 << 40)])
    before = len(node.asked)
    location(client)
    assert len(node.asked) == before


def test_a_change_heard_of_after_it_was_read_costs_nothing(node: Node) -> None:
    client = node.connect()
    location(client)
    node.engine.announce([Change(KNOWN, node.links[KNOWN].version)])
    before = len(node.asked)
    location(client)
    assert len(node.asked) == before


def test_a_fill_asked_before_a_change_is_asked_again_while_its_waiters_wait(node: Node) -> None:
    client = node.connect(resolves=False)
    client.send(get("known01"))
    old = node.links[KNOWN]
    assert list(node.engine.take_misses()) == [KNOWN]
    node.change(KNOWN, target="https://e.com/new")
    node.answer({KNOWN: old})
    client.step(client.connection.resume)
    assert client.received == b""
    assert client.connection.pending == 1
    assert list(node.engine.take_misses()) == [KNOWN]
    node.answer({KNOWN: node.links[KNOWN]})
    client.step(client.connection.resume)
    assert parse_replies(client.received)[0].fields["location"] == "https://e.com/new"


def test_an_answer_that_is_as_new_as_the_change_is_kept(node: Node) -> None:
    client = node.connect(resolves=False)
    client.send(get("known01"))
    node.engine.take_misses()
    new = node.change(KNOWN, target="https://e.com/new")
    node.answer({KNOWN: new})
    client.step(client.connection.resume)
    assert parse_replies(client.received)[0].fields["location"] == "https://e.com/new"


def test_an_absence_asked_for_before_a_creation_is_not_kept(node: Node) -> None:
    client = node.connect(resolves=False)
    client.send(get("later01"))
    (key,) = node.engine.take_misses()
    link = make_link("later01")
    node.add(link)
    node.engine.announce([Change(key, link.version)])
    node.answer({key: None})
    assert list(node.engine.take_misses()) == [key]
    node.answer({key: link})
    client.step(client.connection.resume)
    assert parse_replies(client.received)[0].status == 302


def test_an_old_copy_that_nobody_waits_for_never_comes_back(node: Node) -> None:
    client = node.connect()
    location(client)
    old = node.links[KNOWN]
    asked_at = node.clock.monotonic()
    node.change(KNOWN, target="https://e.com/new")
    node.answer({KNOWN: old}, asked_at=asked_at)
    node.answer({KNOWN: None}, asked_at=asked_at)
    assert location(client) == "https://e.com/new"


def test_a_newer_version_is_never_replaced_by_an_older(node: Node) -> None:
    client = node.connect()
    old = node.links[KNOWN]
    node.change(KNOWN, target="https://e.com/new")
    location(client)
    node.clock.advance(1)
    node.answer({KNOWN: old})
    assert location(client) == "https://e.com/new"


def test_a_changed_link_is_not_served_stale(node: Node) -> None:
    client = node.connect()
    location(client)
    node.change(KNOWN, enabled=False)
    node.is_reachable = False
    assert location(client) == 503


def test_after_a_gap_all_is_asked_for_again(node: Node) -> None:
    client = node.connect()
    location(client)
    assert location(client, "later01") == 404
    node.links[KNOWN] = make_link("known01", version=1 << 30, target="https://e.com/new")
    node.add(make_link("later01"))
    node.clock.advance(0.1)
    node.engine.forget_all()
    assert location(client) == "https://e.com/new"
    assert location(client, "later01") != 404


def test_after_a_gap_old_copies_are_still_good_when_no_store_answers(node: Node) -> None:
    client = node.connect()
    location(client)
    node.clock.advance(0.1)
    node.engine.forget_all()
    node.clock.advance(0.1)
    node.is_reachable = False
    assert location(client) == node.links[KNOWN].target
    before = len(node.asked)
    assert location(client) == node.links[KNOWN].target
    assert len(node.asked) == before


def test_a_fill_asked_before_a_gap_is_asked_again(node: Node) -> None:
    client = node.connect(resolves=False)
    client.send(get("known01"))
    node.engine.take_misses()
    node.engine.forget_all()
    node.answer({KNOWN: node.links[KNOWN]})
    assert list(node.engine.take_misses()) == [KNOWN]


def test_a_removed_link_that_is_asked_for_anew_is_forgotten(node: Node) -> None:
    client = node.connect()
    location(client)
    del node.links[KNOWN]  # without an announcement
    node.clock.advance(LIFETIME_SECONDS * 2)
    assert location(client) == 404
    node.is_reachable = False
    node.clock.advance(3)
    assert location(client) == 503
