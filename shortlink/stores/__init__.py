"""Where links live: one interface in domain words, and a file or folder for each store."""

from collections.abc import Callable
from importlib import import_module
from typing import Final

from shortlink.stores.contract import LinkStore

STORES: Final = {
    "memory": "shortlink.stores.memory:MemoryLinkStore",
    "postgres": "shortlink.stores.postgres:PostgresLinkStore",
    "sqlite": "shortlink.stores.sqlite:SqliteLinkStore",
}


def load_store(name: str) -> Callable[..., LinkStore]:
    """The class of a store, its driver imported now and not before. KeyError: there is none of this name."""
    module, _, attribute = STORES[name].partition(":")
    store: Callable[..., LinkStore] = getattr(import_module(module), attribute)
    return store
