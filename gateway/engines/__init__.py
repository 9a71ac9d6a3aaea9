"""What answers requests: engines behind one contract, chosen by EDGE302_ENGINE."""

from collections.abc import Callable
from importlib import import_module
from typing import Final

from gateway.engines.contract import Engine
from shortlink.settings import BadSetting

# Called with (settings, clock, page, spool): Settings, Clock, CountersPage, SpoolWriter.
EngineFactory = Callable[..., Engine]

ENGINES: Final = {"rust": "gateway.engines.rust:RustEngine", "python": "gateway.engines.python:PythonEngine"}


def load_engine(name: str) -> EngineFactory:
    """The engine of this name. BadSetting: this release has none."""
    try:
        module, _, attribute = ENGINES[name].partition(":")
    except KeyError:
        known = ", ".join(ENGINES)
        raise BadSetting(f"EDGE302_ENGINE: this release has no engine {name!r}; use one of: {known}") from None
    factory: EngineFactory = getattr(import_module(module), attribute)
    return factory
