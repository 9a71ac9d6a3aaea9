"""The roles a node is made of, and the order in which they stop."""

from dataclasses import dataclass
from typing import Final

from shortlink.settings import Settings


@dataclass(frozen=True, slots=True)
class Role:
    """One kind of process.

    Attributes:
        name: as commands, locks and log lines call it.
        module: what `python -m` runs.
        stop_seconds: longest wait for its orderly end beyond `drain_seconds`; then it is killed.
    """

    name: str
    module: str
    stop_seconds: float


GATEWAY: Final = Role("gateway", "gateway", stop_seconds=2.0)
# It ships all that the gateway has spooled. What it doesn't manage stays in the spool for the next start.
SHIPPER: Final = Role("shipper", "clicks", stop_seconds=30.0)
# It gives its lease back, so that the standby of another node takes over at once.
RELAY: Final = Role("relay", "shortlink.relay", stop_seconds=2.0)
# It finishes the blocks that it writes, and takes leave of its group, so that others have its partitions at once.
INGEST: Final = Role("ingest", "clicks.ingest", stop_seconds=12.0)
API: Final = Role("api", "control_api", stop_seconds=2.0)

# Visitors first: their last clicks are then in the spool before the shipper makes its last round, and whoever
# watches the control plane sees both to the end.
STOP_ORDER: Final = (GATEWAY, RELAY, SHIPPER, INGEST, API)
ROLES: Final = {role.name: role for role in STOP_ORDER}


def of_a_node(settings: Settings) -> tuple[str, ...]:
    """The roles of a whole node, by name: a relay and an ingest belong to it where there is something to carry to."""
    needs = {RELAY: settings.redis_url, INGEST: settings.clickhouse_url}
    return tuple(role.name for role in STOP_ORDER if role not in needs or needs[role] is not None)
