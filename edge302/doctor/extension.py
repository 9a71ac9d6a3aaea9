"""Is the compiled part there, and of this version?"""

import re
from collections.abc import Iterator
from importlib import metadata
from typing import Final

from edge302.doctor.findings import Finding, fail, ok

_PRE_RELEASE: Final = {"alpha": "a", "beta": "b", "rc": "rc"}
_BUILD: Final = "run `make build`, or install the package anew"


def check() -> Iterator[Finding]:
    """The extension's findings."""
    try:
        from redirect_core import __version__ as compiled
    except ImportError as exc:
        yield fail("extension", f"it can't be loaded: {exc}", _BUILD)
        return
    installed = metadata.version("edge302")
    if as_package_version(compiled) != installed:
        yield fail("extension", f"it is of version {compiled}, the package of {installed}", _BUILD)
    else:
        yield ok("extension", f"version {compiled}")


def as_package_version(crate: str) -> str:
    """A crate's version as Python packages spell it (PEP 440): 2.0.0-alpha.1 is 2.0.0a1."""
    return re.sub(r"-(alpha|beta|rc)\.?(\d+)", lambda found: _PRE_RELEASE[found[1]] + found[2], crate)
