"""What every store of clicks does with visits to codes that no link has."""

from clicks.counts import MAX_ORPHANS, Orphan
from shortlink.links import LinkKey
from tests.store_contract.clicks.running import Running
from tests.store_contract.clicks.samples import NOON_MS

LOST, TYPO = LinkKey("", "lost001"), LinkKey("go.example.com", "typ0")


def test_a_new_store_knows_of_none(store: Running) -> None:
    assert store.orphans(10) == []
    assert store.forget_orphans() == 0


def test_visits_add_up_and_the_last_one_is_told(store: Running) -> None:
    store.add_orphans({LOST: 2, TYPO: 1}, NOON_MS)
    store.add_orphans({TYPO: 4}, NOON_MS + 5)
    store.add_orphans({LOST: 1}, NOON_MS - 5)  # a file that lay longer
    assert store.orphans(10) == [Orphan(*TYPO, 5, NOON_MS + 5), Orphan(*LOST, 3, NOON_MS)]
    assert store.orphans(1) == [Orphan(*TYPO, 5, NOON_MS + 5)]


def test_codes_differ_by_case_and_by_domain(store: Running) -> None:
    store.add_orphans({LinkKey("", "typ0"): 1, LinkKey("", "TYP0"): 2, TYPO: 3}, NOON_MS)
    assert [orphan.clicks for orphan in store.orphans(10)] == [3, 2, 1]


def test_of_equals_the_one_seen_last_comes_first(store: Running) -> None:
    store.add_orphans({LOST: 1}, NOON_MS)
    store.add_orphans({TYPO: 1}, NOON_MS + 1)
    assert [orphan.code for orphan in store.orphans(10)] == ["typ0", "lost001"]


def test_past_their_bound_those_with_fewest_visits_are_forgotten(store: Running) -> None:
    store.add_orphans({LOST: 3, TYPO: 1}, NOON_MS)
    store.add_orphans({LinkKey("", f"scan{number:05}"): 2 for number in range(MAX_ORPHANS - 1)}, NOON_MS + 1)
    kept = store.orphans(2 * MAX_ORPHANS)
    assert len(kept) == MAX_ORPHANS
    assert kept[0] == Orphan(*LOST, 3, NOON_MS)
    assert all(orphan.clicks == 2 for orphan in kept[1:])
    store.add_orphans({LinkKey("", "newest1"): 2}, NOON_MS + 2)
    assert [orphan.code for orphan in store.orphans(2)] == ["lost001", "newest1"]
    assert len(store.orphans(2 * MAX_ORPHANS)) == MAX_ORPHANS


def test_all_of_them_can_be_forgotten(store: Running) -> None:
    store.add_orphans({LOST: 2, TYPO: 1}, NOON_MS)
    assert store.forget_orphans() == 2
    assert store.orphans(10) == []


def test_no_visits_change_nothing(store: Running) -> None:
    store.add_orphans({}, NOON_MS)
    assert store.orphans(10) == []


def test_what_is_added_at_once_adds_up(store: Running) -> None:
    """Each adds to what others do, in another order, and forgets what others add."""
    scanned = [LinkKey("", f"scan{number:05}") for number in range(MAX_ORPHANS)]
    store.add_orphans(dict.fromkeys(scanned, 2), NOON_MS)
    visits = [{LOST: 5, TYPO: 5} | dict.fromkeys(scanned[at::50], 1) for at in range(8)]
    store.add_orphans_at_once([*visits, *[dict(reversed(one.items())) for one in visits]], NOON_MS + 1)
    kept = {LinkKey(orphan.domain, orphan.code): orphan.clicks for orphan in store.orphans(2 * MAX_ORPHANS)}
    assert (kept[LOST], kept[TYPO], len(kept)) == (80, 80, MAX_ORPHANS)
    assert all(kept[key] == 4 for at in range(8) for key in scanned[at::50])
