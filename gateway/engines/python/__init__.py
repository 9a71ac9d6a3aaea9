"""The engine in plain Python: httptools and a cachetools cache; the readable reference for every other engine."""

from gateway.engines.python.engine import PythonEngine

__all__ = ["PythonEngine"]
