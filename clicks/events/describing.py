"""What is known of clicks beyond their records: each distinct value of a batch is described once, and remembered."""

import asyncio
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from clicks.events.agents import describe_agent
from clicks.events.languages import describe_language
from clicks.events.places import Places
from clicks.events.referrers import describe_referrer
from clicks.events.utm import Links, UtmTags
from clicks.sinks.contract import DescribedBatch
from shortlink.clock import Clock
from shortlink.settings import Settings

if TYPE_CHECKING:
    from redirect_core._core import EventBatch

# Values have at most 512 bytes and their descriptions thrice that, so that each memory ends at some 32 MiB; with the
# user agents and referrers of the world as it is, at 8.
REMEMBERED: Final = 16_384


class Describer:
    """Describes the batches of any number of sinks; one for the process, since its memory serves them all."""

    def __init__(self, node: str, places: Places, utm: UtmTags) -> None:
        """`node`: names this node in events."""
        self._node = node
        self._places = places
        self._utm = utm
        self._agent = lru_cache(REMEMBERED)(describe_agent)
        self._referrer = lru_cache(REMEMBERED)(describe_referrer)
        self._language = lru_cache(REMEMBERED)(describe_language)

    async def describe(self, batches: "Sequence[EventBatch]") -> list[DescribedBatch]:
        """The batches with what is known of their values, in order.

        Raises:
            StoreUnavailable: the store of links, which knows the campaigns, can't be asked; call again.
        """
        tags = [await self._utm.describe(batch.links) for batch in batches]
        # In a thread: user agents never met before cost some 0.1 ms each, and the loop has counts to look after.
        return await asyncio.to_thread(self._describe, batches, tags)

    def _describe(self, batches: "Sequence[EventBatch]", tags: Sequence[Sequence[bytes]]) -> list[DescribedBatch]:
        network = self._places.now()
        return [
            DescribedBatch(
                batch,
                self._node,
                agents=[self._agent(user_agent, flags) for user_agent, flags in batch.agents],
                networks=[network(value) for value in batch.networks],
                referrers=[self._referrer(value) for value in batch.referrers],
                languages=[self._language(value) for value in batch.languages],
                links=links,
            )
            for batch, links in zip(batches, tags, strict=True)
        ]


def describer(settings: Settings, node: str, links: Links, clock: Clock) -> Describer:
    """The describer that the settings ask for. `links`: an opened LinkStore; it stays the caller's."""
    return Describer(node, Places(settings.geoip_db, clock), UtmTags(links, clock))
